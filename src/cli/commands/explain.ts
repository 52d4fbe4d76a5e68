import { didYouMean, errorCodes, MlopsError, type ErrorCode } from '../../base/index.ts';
import type { Verb } from '../parse/command.ts';

export const verb: Verb = {
  name: 'explain',
  owner: 'mlops',
  summary: 'Say what an error code means',
  description: 'Every error names its code. The whole list: mlops docs errors.',
  examples: [
    ['mlops explain not_a_project', 'what it means, and the exit and HTTP status that go with it'],
    ['mlops explain --json', 'all codes, for scripts'],
  ],
  args: [{ name: 'code', optional: true, summary: 'code of an error', completes: 'error' }],
  flags: [{ name: 'json', summary: 'as JSON' }],
  run(input, terminal) {
    const [word] = input.args;
    if (word === undefined) {
      if (input.on('json')) return terminal.json(errorCodes);
      for (const [code, entry] of Object.entries(errorCodes)) terminal.print(`${code}: ${entry.summary}`);
      return;
    }
    const code = findCode(word);
    const entry = errorCodes[code];
    if (input.on('json')) return terminal.json({ code, ...entry });
    terminal.print(`${terminal.style.bold(code)}: ${entry.summary}`);
    terminal.print();
    terminal.print(`exit status  ${entry.exit} (of verbs that DVC has: see \`mlops docs errors\`)`);
    terminal.print(`HTTP status  ${entry.http}`);
    terminal.print(`for MLflow   ${entry.mlflow}`);
  },
};

function findCode(word: string): ErrorCode {
  const codes = Object.keys(errorCodes) as ErrorCode[];
  const wanted = word.toLowerCase().replaceAll('-', '_');
  const found = codes.find((code) => code === wanted);
  if (found !== undefined) return found;
  throw new MlopsError('usage', `there is no error code '${word}'`, {
    hint: didYouMean(wanted, codes) ?? 'see all codes with `mlops explain`',
  });
}
