import { MlopsError, withoutTrailing } from '../../base/index.ts';
import type { SchemaError } from './schema.ts';
import { schemaReport, syntaxReport, type SourcePosition } from './report.ts';

/** One thing that is wrong, and where. */
export interface YamlProblem {
  /** Sentence without a full stop: `found duplicate key "a"`. */
  readonly message: string;
  readonly position: SourcePosition | undefined;
}

/** Finds the mapping or list at a path, undefined for scalars and what is absent. */
export type Locate = (path: readonly unknown[]) => SourcePosition | undefined;

/**
 * The error for a text that is not YAML, laid out as DVC does: the file, each problem with line and
 * column, and the source line under it.
 *
 * @param file as shown to the user, relative to the project.
 */
export function yamlSyntaxError(file: string, text: string, problems: readonly YamlProblem[]): MlopsError {
  const message = syntaxReport(shownPath(file), text, problems);
  return new MlopsError('bad_yaml', withoutPadding(message), {
    data: { file, ...problems.at(-1)?.position },
    ...(message.includes('possible merge conflicts')
      ? { hint: 'resolve the conflict markers that git left in the file' }
      : {}),
  });
}

/** The error for a YAML file that breaks its schema, laid out as DVC does. */
export function yamlSchemaError(
  file: string,
  text: string,
  errors: readonly SchemaError[],
  locate: Locate,
): MlopsError {
  const message = schemaReport(shownPath(file), text, errors, locate);
  const position = errors[0] === undefined ? undefined : nearest(errors[0].path, locate);
  return new MlopsError('bad_project_file', withoutPadding(message), {
    data: { file, ...position },
    hint: errors.find(({ hint }) => hint !== undefined)?.hint,
  });
}

/** `./dvc.yaml`: the way DVC names a project file in such errors. */
export function shownPath(file: string): string {
  return /^\.{0,2}\//.test(file) ? file : `./${file}`;
}

/** DVC pads the source lines to the width of the terminal. */
function withoutPadding(report: string): string {
  return report
    .split('\n')
    .map((line) => withoutTrailing(line, ' '))
    .join('\n');
}

function nearest(path: readonly unknown[], locate: Locate): SourcePosition | undefined {
  for (let rest = path; rest.length > 0; rest = rest.slice(0, -1)) {
    const position = locate(rest);
    if (position !== undefined) return position;
  }
  return undefined;
}
