import { createRequire } from 'node:module';

import type * as Yaml from 'yaml';

let loaded: typeof Yaml | undefined;

/**
 * The `yaml` package, loaded at the first text that the subset reader cannot read: it costs some 30 ms,
 * and most commands only meet files that DVC or we wrote.
 */
export function yamlPackage(): typeof Yaml {
  loaded ??= createRequire(import.meta.url)('yaml') as typeof Yaml;
  return loaded;
}
