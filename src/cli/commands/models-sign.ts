import { readPrivateKey, signVersion } from '../../app/registry/model-signature.ts';
import { readSelector, versionNamed } from '../../app/registry/resolve-model.ts';
import { MlopsError } from '../../base/index.ts';
import type { Command } from '../parse/command.ts';
import { withStore } from '../session/with-store.ts';
import { versionArgs } from './models-input.ts';

export const sign: Command = {
  name: 'models sign',
  owner: 'mlops',
  summary: 'Sign a version of a model, so that only what was signed is served',
  description:
    'Signs the sha256 of every file of the version, with its name and number, by an Ed25519 key in PEM (openssl genpkey -algorithm ed25519 -out key.pem). The signature and the public key are tags of the version; whose signatures count is said in mlops.yaml: signing: {keys: [release.pub]} (openssl pkey -in key.pem -pubout -out release.pub). A later signature replaces it.',
  examples: [['mlops models sign digits Production --key key.pem', 'the version in production']],
  args: versionArgs,
  flags: [
    { name: 'key', value: 'FILE', summary: 'the private key', completes: 'path', env: 'MLOPS_SIGNING_KEY' },
    { name: 'json', summary: 'print JSON' },
  ],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const file = input.text('key');
        if (file === undefined) throw new MlopsError('usage', 'a signature needs a key', { hint: 'add --key FILE' });
        const key = readPrivateKey(file, terminal.cwd);
        const version = await versionNamed(store, readSelector(input.args[0] ?? '', input.args[1]));
        const id = await signVersion(store, version, key);
        if (input.on('json')) terminal.json({ name: version.name, version: version.version, key: id });
        else terminal.print(`Signed ${version.name} version ${version.version} by key ${id}`);
      },
      { create: false },
    ),
};
