import * as path from 'node:path';

import { modelCard } from '../../app/lineage/card.ts';
import { readSelector, versionNamed } from '../../app/registry/resolve-model.ts';
import { MlopsError, writeFileAtomic } from '../../base/index.ts';
import type { Command } from '../parse/command.ts';
import { withPlaces } from '../session/lineage-places.ts';
import { logFlag, logOf } from './monitor-input.ts';
import { versionArgs } from './models-input.ts';

export const card: Command = {
  name: 'models card',
  owner: 'mlops',
  summary: 'Write the card of a version, of what is recorded of it',
  description:
    'Markdown with version, metrics, inputs and outputs, the data with md5 and origin, commands and params of the stages, the environment, and what is not known (docs/lineage.md).',
  examples: [['mlops models card digits Production -o MODEL_CARD.md', 'into a file']],
  args: versionArgs,
  flags: [{ name: 'out', short: 'o', value: 'FILE', summary: 'write it there', completes: 'path' }, logFlag],
  async run(input, terminal) {
    const text = await withPlaces(terminal, logOf(input, terminal), async (places) => {
      const { store } = places;
      if (store === undefined) throw new MlopsError('not_a_project', 'nothing has been registered here yet');
      const version = await versionNamed(store, readSelector(input.args[0] ?? '', input.args[1]));
      return modelCard(version, { ...places, store }, terminal.signal);
    });
    const out = input.text('out');
    if (out === undefined) terminal.print(text.trimEnd());
    else {
      writeFileAtomic(path.resolve(terminal.cwd, out), text);
      terminal.note(`wrote ${out}`);
    }
  },
};
