import * as fs from 'node:fs';
import * as path from 'node:path';
import { it, vi } from 'vitest';
import { describeWithTool } from '../../../tools.ts';
import { openTwin } from '../../../twin.ts';

vi.setConfig({ testTimeout: 600_000 });

describeWithTool('dvc', 'twins: odd words on the command line', ({ dvc }) => {
  it('flags that are cut short, and words with a dash and a space', () => {
    const twin = openTwin({ dvc });
    twin.write('- x', '1');
    twin.write('-dash', '2');
    twin.run(['add', '- x', '--no-com']);
    twin.run(['add', '- x']);
    twin.run(['add', '--', '-dash']);
    twin.run(['status', '--js']);
    twin.run(['checkout', '--summ']);
    twin.run(['remote', 'add', '--def', 'loc', '../loc']);
    twin.run(['push', '--rem', 'loc']);
    twin.run(['fetch', '--all'], { anyStdout: true });
    twin.run(['data', 'status', '--gran', '--js']);
    twin.run(['gc', '--work', '--dr'], { anyStdout: true });
  });

  it('names that Git reads as patterns, with colons and with spaces at the end', () => {
    const twin = openTwin({ dvc });
    const names = [
      '[br].x',
      '*star',
      '#hash',
      '!bang',
      'trail ',
      ' lead',
      'co:lon',
      'a: b',
      'null',
      '1.5',
      'back\\slash',
    ];
    names.forEach((name, i) => twin.write(name, `${i}`));
    twin.run(['add', ...names]);
    twin.run(['status', '--json']);
    twin.git('add', '-A');
    twin.git('commit', '-qm', 'one');
    twin.run(['diff', '--json']);
    twin.run(['move', '#hash', 'plain']);
    twin.run(['move', 'plain', '?']);
    twin.run(['remove', '*star.dvc']);
    twin.run(['remove', '[br].x.dvc', '--outs']);
    twin.run(['import-url', 'co:lon']);
    twin.run(['checkout', '!bang']);
    twin.run(['unprotect', 'trail ']);
  });

  it('files that share their inode become copies when they are added and that is the type of links', () => {
    const twin = openTwin({ dvc });
    twin.dvc('config', 'cache.type', 'hardlink');
    twin.write('d/a', '1');
    twin.write('d/s/b', '2');
    twin.write('x', '3');
    twin.run(['add', 'd', 'x']);
    twin.dvc('config', 'cache.type', 'copy');
    twin.write('d/c', '4');
    twin.run(['add', 'd', 'x']);
    twin.change((project) => fs.linkSync(path.join(project, 'x'), path.join(project, 'y')));
    twin.run(['add', 'y']);
    twin.run(['status']);
  });
});
