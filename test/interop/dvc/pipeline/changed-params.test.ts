import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it, vi } from 'vitest';
import { command } from '../../../cli.ts';
import { describeWithTool } from '../../../tools.ts';
import { openTwin, type Twin } from '../../../twin.ts';

// A call of DVC takes a second or more.
vi.setConfig({ testTimeout: 300_000 });

const pipeline = `stages:
  a:
    cmd: cat params.yaml p.json p.py > o
    deps: [p.json, p.py]
    params: [lr, nothing]
    outs: [o]
`;

describeWithTool('dvc', 'twins: changed params', ({ dvc }) => {
  // DVC's own Git cannot read dates in ISO's form.
  const env = { GIT_AUTHOR_DATE: '1704164645 +0000', GIT_COMMITTER_DATE: '1704164645 +0000' };

  function project(): Twin {
    const twin = openTwin({ dvc, env });
    twin.write('dvc.yaml', pipeline);
    twin.write('params.yaml', 'lr: 0.1\nnothing:\n');
    twin.write('p.json', '{"j": null}');
    twin.write('p.py', 'N = None\n');
    twin.write('c.toml', 'k = 1\n');
    twin.git('add', '-A');
    twin.git('commit', '-q', '-m', '1');
    return twin;
  }

  const changed = (twin: Twin): string[] =>
    twin.sides.map(({ project: folder }) => command(folder, 'git', ['status', '--porcelain']).stdout);

  it('a dry run only shows, a refused one leaves everything as it was', () => {
    const twin = project();
    const times = twin.sides.map((side) => fs.statSync(path.join(side.project, 'params.yaml')).mtimeMs);
    for (const set of ['lr=0.5', 'p.json:j=2', '+new=2', 'c.toml:k=2', 'p.py:N=1', 'c.toml:+t.x=1']) {
      twin.run(['exp', 'run', '--dry', '-S', set], { anyStdout: true });
      expect(changed(twin), set).toEqual(['', '']);
    }
    for (const words of [
      '-S lr=0.3 -S nosuch=1',
      '-S lr=0.3 -S p.json:nosuch=1',
      '-S lr=0.3 nosuch',
      '-S lr=0.3,x -S',
    ]) {
      twin.run(['exp', 'run', '-q', ...words.split(' ')], { anyStdout: true });
      expect(changed(twin), words).toEqual(['', '']);
    }
    expect(fs.statSync(path.join(twin.sides[1].project, 'params.yaml')).mtimeMs).toBeCloseTo(times[1] ?? 0, 0);
    twin.write('params.yaml', 'lr: 0.1\nnothing:\nday: 2020-01-01\n');
    twin.git('commit', '-qam', 'a date');
    twin.run(['exp', 'run', '-q', '-S', 'lr=0.3'], { anyStdout: true });
    expect(changed(twin)).toEqual(['', '']);
  });

  it('keys that are null are set, number keys are refused', () => {
    const twin = project();
    for (const set of ['nothing=7', 'p.json:j=9', 'p.py:N=10']) {
      twin.run(['exp', 'run', '-f', '-S', set], { anyStdout: true });
      twin.git('checkout', '-q', '.');
    }
    twin.write('params.yaml', 'lr: 0.1\nnothing:\nz: {2020: a}\n');
    twin.git('commit', '-qam', 'numbers');
    twin.run(['exp', 'run', '-q', '-S', 'z.2020=b'], { anyStdout: true });
    expect(changed(twin).join('')).not.toContain('params.yaml');
  });

  it('freeze and unfreeze write a stage in the order of DVC', () => {
    const twin = openTwin({ dvc });
    twin.write('w/x', '');
    twin.write(
      'dvc.yaml',
      `stages:
  s: # the stage
    # how
    cmd: cp ../in o
    wdir: w
    params: [z, lr, {../q.yaml: [k, a]}]
    deps:
    - ../in
    - ../aa # second
    metrics: [{m2: {cache: false}}, m1: {cache: false}]
    plots:
    - p.csv: {y: b, x: a, cache: false}
    outs: [o, {aaa: {persist: true}}]
    desc: hello
    meta: {b: 1, a: [x]}
  t:
    outs: [u]
    cmd:
    - echo 1
    - echo > u
    deps: []
`,
    );
    twin.run(['freeze', 's', 't']);
    twin.run(['freeze', 's']);
    twin.run(['unfreeze', 's', 't']);
  });
});
