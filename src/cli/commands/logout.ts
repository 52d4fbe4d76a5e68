import { MlopsError } from '../../base/index.ts';
import { keepLogin } from '../../tracking/index.ts';
import type { Command } from '../parse/command.ts';

export const verb: Command = {
  name: 'logout',
  owner: 'mlops',
  summary: 'Forget the token for a tracking server',
  description: 'The token itself stays good: `mlops auth token revoke` at the server ends it.',
  examples: [['mlops logout https://tracking.example.com', 'what `mlops login` kept']],
  args: [{ name: 'url', summary: 'address of the server' }],
  flags: [{ name: 'dry-run', summary: 'only say whether there is one' }],
  run(input, terminal) {
    const [url = ''] = input.args;
    if (!/^https?:\/\//i.test(url)) throw new MlopsError('usage', `'${url}' is no address of a server`);
    if (input.on('dry-run')) return terminal.note(`would forget the token for ${url}`);
    const file = keepLogin(url, undefined, terminal.env);
    terminal.note(file === undefined ? `there was no token for ${url}` : `forgotten, in ${file}`);
  },
};
