// Around `npm pack`: writes npm-shrinkwrap.json, so that whoever installs the package gets the packages that were tested;
// `--remove` takes it away again (npm would prefer it to package-lock.json here).
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';

const root = path.dirname(import.meta.dirname);
const target = path.join(root, 'npm-shrinkwrap.json');
if (process.argv.includes('--remove')) rmSync(target, { force: true });
else
  writeFileSync(
    target,
    `${JSON.stringify(shrinkwrap(JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'))), undefined, 2)}\n`,
  );

function shrinkwrap({ packages, ...lock }) {
  const { devDependencies: _, ...own } = packages[''];
  const kept = Object.entries(packages)
    .filter(([name, entry]) => name !== '' && !entry.dev)
    // What our tools need too, and else only packages that may be missing.
    .map(([name, { devOptional, ...entry }]) => [name, devOptional ? { ...entry, optional: true } : entry]);
  return { ...lock, packages: { '': own, ...Object.fromEntries(kept) } };
}
