import { MlopsError } from '../../base/index.ts';
import { keepLogin, openTracking } from '../../tracking/index.ts';
import type { Command } from '../parse/command.ts';
import { secretFlags, secretValue } from '../session/secret-value.ts';

export const verb: Command = {
  name: 'login',
  owner: 'mlops',
  summary: 'Keep a token for a tracking server',
  description:
    'Asks for a token (`mlops auth token create` at the server makes one), tries it, and keeps it in a file that only you can read. Commands on MLFLOW_TRACKING_URI use it where neither the address nor MLFLOW_TRACKING_TOKEN, _USERNAME or _PASSWORD say who you are.',
  examples: [
    ['mlops login https://tracking.example.com', 'asks for the token, which is not shown'],
    ['mlops login https://tracking.example.com --value-stdin < token', 'in a script'],
  ],
  args: [{ name: 'url', summary: 'address of the server' }],
  flags: secretFlags,
  async run(input, terminal) {
    const [url = ''] = input.args;
    if (!/^https?:\/\//i.test(url)) {
      throw new MlopsError('usage', `'${url}' is no address of a server`, { hint: 'https://HOST or http://HOST:PORT' });
    }
    const token = (await secretValue(input, terminal)) ?? (await terminal.askSecret('token'));
    const store = await openTracking(url, { remote: { token }, signal: terminal.signal });
    try {
      await store.searchExperiments({ maxResults: 1 });
    } finally {
      await store.close();
    }
    terminal.note(`kept in ${keepLogin(url, token, terminal.env) ?? ''}`);
    terminal.next(`MLFLOW_TRACKING_URI=${url} mlops runs list`);
  },
};
