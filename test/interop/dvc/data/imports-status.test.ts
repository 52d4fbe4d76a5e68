import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it, vi } from 'vitest';
import { command } from '../../../cli.ts';
import { describeWithTool } from '../../../tools.ts';
import { openTwin, type Side, type Twin } from '../../../twin.ts';

vi.setConfig({ testTimeout: 400_000 });

describeWithTool('dvc', 'twins: state of imports', ({ dvc }) => {
  const git = (side: Side, ...args: string[]): void => {
    const env = { GIT_AUTHOR_DATE: '2024-01-02T03:04:05Z', GIT_COMMITTER_DATE: '2024-01-02T03:04:05Z' };
    const result = command(path.join(side.base, 'src'), 'git', args, { env });
    expect(result.status, result.stderr).toBe(0);
  };
  /** Twins beside a Git repository with one file, tagged v1. */
  const open = (): Twin => {
    const twin = openTwin({ dvc });
    for (const side of twin.sides) {
      fs.mkdirSync(path.join(side.base, 'src'));
      fs.writeFileSync(path.join(side.base, 'src/f.txt'), 'one\n');
      git(side, 'init', '-q', '-b', 'main');
      git(side, 'add', '-A');
      git(side, 'commit', '-qm', 'one');
      git(side, 'tag', '-am', 'annotated', 'v1');
    }
    return twin;
  };
  const move = (twin: Twin): void => {
    for (const side of twin.sides) {
      fs.writeFileSync(path.join(side.base, 'src/f.txt'), 'two\n');
      git(side, 'commit', '-qam', 'two');
    }
  };

  it('status: says when the source has moved on, of paths and clones, and not with --no-updates', () => {
    const twin = open();
    twin.run(['import', '../src', 'f.txt']);
    twin.run(['import', '../src', 'f.txt', '-o', 'tagged', '--rev', 'v1']);
    twin.run(['import', '../src', 'f.txt', '-o', 'branch', '--rev', 'main']);
    twin.run(['status']);
    move(twin);
    twin.run(['status']);
    twin.run(['status', '--json']);
    twin.run(['status', '--no-updates']);
    twin.run(['status', 'tagged.dvc']);
    twin.run(['update', 'f.txt.dvc', 'branch.dvc']);
    twin.run(['status']);
  });

  it('push without a remote when there are only imports; pull of what was never downloaded', () => {
    const twin = open();
    twin.run(['import', '../src', 'f.txt']);
    twin.run(['status', '-c']);
    twin.run(['push'], { anyStdout: true });
    for (const { base } of twin.sides) fs.writeFileSync(path.join(base, 'ext'), 'ext');
    twin.run(['import', '../src', 'f.txt', '-o', 'later', '--no-download']);
    twin.run(['import-url', '../ext', '--no-download']);
    twin.run(['status']);
    // What DVC keeps of them in its cache has other names.
    twin.run(['pull', 'later.dvc', 'ext.dvc'], { anyTree: true });
    const seen = twin.sides.map(({ project }) =>
      ['later', 'ext', 'later.dvc', 'ext.dvc'].map((file) => fs.readFileSync(path.join(project, file), 'utf8')),
    );
    expect(seen[1]).toEqual(seen[0]);
    twin.run(['status'], { anyTree: true });
  });

  it('data status --not-in-remote: leaves out what is not to be pushed, below the root too', () => {
    const twin = open();
    twin.dvc('remote', 'add', '-q', '-d', 'loc', '../remote');
    twin.write('sub/kept/a', 'a');
    twin.write('sub/sent', 's');
    twin.run(['add', 'sub/kept', 'sub/sent']);
    twin.change((project) => fs.appendFileSync(path.join(project, 'sub/kept.dvc'), '  push: false\n'));
    twin.run(['data', 'status', '--not-in-remote', '--json']);
    twin.run(['data', 'status', '--not-in-remote', '--granular', '--json']);
    twin.run(['push']);
    twin.run(['data', 'status', '--not-in-remote', '--json']);
  });

  it('import-url that is no longer frozen: its source counts in status', () => {
    const twin = open();
    for (const { base } of twin.sides) fs.writeFileSync(path.join(base, 'ext'), 'one');
    twin.run(['import-url', '../ext']);
    twin.run(['unfreeze', 'ext.dvc']);
    twin.run(['status']);
    for (const { base } of twin.sides) fs.writeFileSync(path.join(base, 'ext'), 'another');
    twin.run(['status']);
    twin.run(['status', '--json']);
    for (const { base } of twin.sides) fs.rmSync(path.join(base, 'ext'));
    twin.run(['status']);
  });
});
