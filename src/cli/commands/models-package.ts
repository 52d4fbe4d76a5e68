import * as path from 'node:path';

import { packageModel } from '../../app/registry/package-model.ts';
import { readSelector, versionNamed } from '../../app/registry/resolve-model.ts';
import { plural } from '../../base/index.ts';
import type { Command } from '../parse/command.ts';
import { withStore } from '../session/with-store.ts';
import { version as program } from '../parse/version.ts';

export const packageCommand: Command = {
  name: 'models package',
  owner: 'mlops',
  summary: 'Write the build context of an image that serves a version',
  description:
    'The files of the version, pinned by md5, package.json with this version of mlops, and the Dockerfile: that of this folder, or the usual one. The same version gives the same bytes.',
  examples: [
    ['mlops models package digits Production --out context', 'then: docker build context'],
    ['mlops models package digits 3 -o context --json', 'with the md5 of all files'],
  ],
  args: [
    { name: 'name', summary: 'the model, or models:/NAME/SELECTOR', completes: 'model' },
    { name: 'version', completes: 'version', summary: 'a version, stage, @alias or latest (default)', optional: true },
  ],
  flags: [
    { name: 'out', short: 'o', value: 'DIR', summary: 'the folder to make', default: 'context', completes: 'path' },
    { name: 'force', summary: 'replace the folder' },
    { name: 'json', summary: 'print JSON' },
  ],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const version = await versionNamed(store, readSelector(input.args[0] ?? '', input.args[1]));
        const made = await packageModel(store, version, path.resolve(terminal.cwd, input.text('out') ?? 'context'), {
          program,
          dockerfile: path.join(terminal.cwd, 'Dockerfile'),
          force: input.on('force'),
        });
        if (input.on('json')) return terminal.json(made);
        terminal.print(`${made.name} version ${made.version} (${made.md5}): ${plural(made.files.length, 'file')}`);
        terminal.next(`docker build --tag ${made.name} ${input.text('out') ?? 'context'}`);
      },
      { create: false },
    ),
};
