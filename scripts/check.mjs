// `npm run check`: types, lint, linear regular expressions, format, dead code, generated docs. Each gate must show that it saw the tree.
import { spawnSync } from 'node:child_process';
import { ensureBuilt, ensureInstalled } from './first-run.mjs';

ensureInstalled();
ensureBuilt();

const gates = [
  { name: 'types', command: ['tsc', '-p', '.', '--listFilesOnly'], saw: /src\/cli\/entry\/main\.ts/, quiet: true },
  { name: 'types', command: ['tsc', '-p', '.'] },
  { name: 'types', command: ['tsc', '-p', 'src/ui', '--listFilesOnly'], saw: /src\/ui\/main\.tsx/, quiet: true },
  { name: 'types of the web UI', command: ['tsc', '-p', 'src/ui'] },
  {
    name: 'lint',
    command: ['oxlint', '--type-aware', '--deny-warnings', 'src', 'test', 'bench', 'scripts', 'bin'],
    saw: /on \d{2,} files/,
  },
  { name: 'regexes', command: [process.execPath, 'scripts/regexes.mjs'], saw: /\d{2,} regular expressions/ },
  { name: 'format', command: ['oxfmt', '--check', 'src', 'test', 'bench'], saw: /\d{2,} files/ },
  { name: 'dead code', command: ['knip', '--no-progress'] },
  { name: 'docs', command: [process.execPath, 'scripts/docs.mjs', '--check'] },
];

let failed = 0;
for (const gate of gates) {
  const [program, ...args] = gate.command;
  const file = program === process.execPath ? program : `node_modules/.bin/${program}`;
  const result = spawnSync(file, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`;
  const blind = gate.saw !== undefined && !gate.saw.test(output);
  const ok = result.status === 0 && !blind;
  if (!ok) {
    failed++;
    console.log(output.slice(-8000));
    if (blind) console.log(`the gate '${gate.name}' saw no files: ${gate.command.join(' ')}`);
  }
  if (!gate.quiet || !ok) console.log(`${ok ? 'ok    ' : 'FAILED'} ${gate.name}`);
}
process.exit(failed === 0 ? 0 : 1);
