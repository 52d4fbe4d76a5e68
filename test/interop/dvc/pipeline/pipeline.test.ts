import * as fs from 'node:fs';
import * as path from 'node:path';
import { it } from 'vitest';

import { describeWithTool } from '../../../tools.ts';
import { openTwin, type Twin } from '../../../twin.ts';

const pipeline = `stages:
  prepare:
    cmd: mkdir -p data && cp raw.txt data/a && echo b > data/b
    deps: [raw.txt]
    outs: [data]
  train:
    cmd: |
      cat data/a > model
      echo '{"acc": 0.5, "n": {"x": 1}}' > metrics.json
      printf 'x,y\\n1,2\\n' > plot.csv
    deps: [data]
    params:
    - lr
    - nested.a
    - other.json:
    - p.py: [T, K.v]
    outs: [model]
    metrics:
    - metrics.json: {cache: false}
    plots:
    - plot.csv: {x: x, y: y}
  report:
    cmd: [cp model report, echo done >> report]
    wdir: sub
    deps: [../model]
    outs: [report: {desc: the report}]
`.replace('cp model report', 'cp ../model report');

function write(twin: Twin): void {
  twin.write('raw.txt', 'one\n');
  twin.write('params.yaml', 'lr: 1.0e-3\nnested: {a: [1, 2.0, yes], b: 2}\n');
  twin.write('other.json', '{"k": 1.0, "l": {"m": null}}');
  twin.write('p.py', 'T = [1, 2.5]\nclass K:\n    v = "é"\n');
  twin.write('dvc.yaml', pipeline);
  twin.change((project) => fs.mkdirSync(path.join(project, 'sub')));
}

/** Real DVC takes half a second a command, more on a busy machine. */
const timeout = 600_000;

describeWithTool('dvc', 'twins: pipelines', ({ dvc }) => {
  const open = (): Twin => openTwin({ dvc });

  it('repro: first run, nothing changed, each kind of change, and back to what was made before', { timeout }, () => {
    const twin = open();
    write(twin);
    twin.run(['status']);
    twin.run(['repro']);
    twin.judge();
    twin.run(['repro']);
    twin.write('raw.txt', 'two\n');
    twin.run(['status']);
    twin.run(['status', '--json']);
    twin.run(['repro']);
    twin.write('raw.txt', 'one\n');
    twin.write('params.yaml', 'lr: 2\nnested: {a: [1, 2.0, yes], b: 3}\n');
    twin.run(['status']);
    twin.run(['repro', 'train']);
    twin.run(['repro']);
    twin.write('params.yaml', 'lr: 1.0e-3\nnested: {a: [1, 2.0, yes], b: 2}\n');
    twin.run(['repro']);
    twin.judge();
  });

  it('repro: outputs removed, changed by hand, missing in the cache', { timeout }, () => {
    const twin = open();
    write(twin);
    twin.run(['repro']);
    twin.remove('model');
    twin.run(['repro']);
    twin.write('data/b', 'by hand\n');
    twin.run(['status']);
    twin.run(['repro']);
    twin.change((project) => fs.rmSync(path.join(project, '.dvc/cache/files'), { recursive: true }));
    twin.run(['status']);
    twin.run(['repro']);
    twin.judge();
  });

  it('repro: every flag', { timeout }, () => {
    const twin = open();
    write(twin);
    twin.run(['repro', '--no-commit', 'prepare']);
    twin.run(['repro']);
    twin.run(['repro', '--dry']);
    twin.run(['repro', '-f', 'train']);
    twin.run(['repro', '-s', '-f', 'report']);
    twin.write('raw.txt', 'three\n');
    // DVC looks the old inputs up in the run-cache here and promises a restore that will not happen.
    twin.run(['repro', '--dry', '-P'], { anyStdout: true });
    twin.run(['repro', '-s', 'report']);
    twin.run(['repro', '--downstream', 'train']);
    twin.run(['repro', '-p', 'train']);
    twin.run(['repro', '--force-downstream', '-f', 'prepare']);
    twin.run(['repro', '--glob', 't*']);
    twin.run(['repro', '--no-run-cache']);
    twin.run(['repro', '-P']);
    twin.run(['repro', '--allow-missing']);
    twin.run(['repro', 'nope']);
    twin.run(['repro', 'dvc.yaml:nope']);
    twin.judge();
  });

  it('repro: folders, files as targets, data that is missing or in a remote', { timeout }, () => {
    const twin = open();
    write(twin);
    twin.write('in.txt', 'in\n');
    twin.write(
      'more/dvc.yaml',
      `stages:
  far: {cmd: cp ../in.txt far, deps: [../in.txt], outs: [far]}
  near: {cmd: cp far near, deps: [far], outs: [near]}
`,
    );
    twin.run(['repro', '-R', 'more']);
    twin.run(['repro', '-R', '.'], { anyOrder: true });
    twin.run(['repro', 'more/dvc.yaml']);
    twin.run(['repro', 'more/dvc.yaml:near', 'train']);
    twin.run(['repro', 'far'], { in: 'more' });
    twin.run(['repro', '--glob', 'more/dvc.yaml:n*']);
    twin.dvc('remote', 'add', '-q', '-d', 'store', '../store');
    twin.dvc('push', '-q');
    const lose = (): void =>
      twin.change((project) => {
        for (const lost of ['.dvc/cache', 'data', 'model', 'more/far']) {
          fs.rmSync(path.join(project, lost), { recursive: true, force: true });
        }
      });
    lose();
    twin.run(['repro', '--allow-missing', '--dry', 'train']);
    twin.run(['repro', '--allow-missing', 'train']);
    twin.run(['repro', '--pull', 'more/dvc.yaml:near']);
    twin.run(['repro', '--pull', '--allow-missing', 'report']);
    lose();
    twin.write('params.yaml', 'lr: 2.0\nnested: {a: [1], b: 2}\n');
    twin.run(['repro', '--pull', 'train']);
    twin.judge();
  });

  it('repro: a failing stage, alone, with -k and with --ignore-errors', { timeout }, () => {
    const twin = open();
    twin.write(
      'dvc.yaml',
      `stages:
  bad: {cmd: "echo before; exit 3", outs: [b]}
  after: {cmd: echo 1 > a, deps: [b], outs: [a]}
  other: {cmd: echo 1 > o, outs: [o]}
`,
    );
    twin.run(['repro']);
    // DVC takes back the ignore lines of stages that succeeded; ours stay.
    twin.run(['repro', '-k'], { anyTree: true });
    twin.write('b', 'there');
    twin.run(['repro', '--ignore-errors'], { anyStdout: true, anyTree: true });
  });

  it('templating: foreach, matrix, arguments, groups, several files, folders', { timeout }, () => {
    const twin = open();
    twin.write('params.yaml', 'models: {us: {t: 0.1}, uk: {t: 1.0e-5}}\nargs: {a: 1, b: true, c: x y}\n');
    twin.write(
      'dvc.yaml',
      `vars: [{w: [1, 2.0]}]
stages:
  fit:
    foreach: \${models}
    do: {cmd: "echo \${key} \${item.t} > m_\${key}", outs: ["m_\${key}"]}
  grid:
    matrix: {a: "\${w}", b: [x, y]}
    cmd: echo \${item.a} \${item.b} \${args} > g_\${key}
    outs: ["g_\${key}"]
`,
    );
    twin.write('sub/dvc.yaml', 'stages:\n  s: {cmd: cat ../m_us > s, deps: [../m_us], outs: [s]}\n');
    twin.run(['stage', 'list', '--all']);
    // DVC takes a small part of the graph in the order of a Python set.
    twin.run(['repro', 'fit'], { anyOrder: true });
    twin.run(['repro', 'grid@1-x']);
    twin.run(['repro', '-P']);
    twin.run(['dag', '--dot']);
    twin.run(['dag', '--mermaid', '--full', 'fit@us']);
    twin.run(['dag', '--dot', '--outs']);
    twin.run(['stage', 'list'], { in: 'sub' });
    twin.run(['repro'], { in: 'sub' });
    twin.run(['repro', '-R', 'sub']);
    twin.judge();
  });

  it('frozen, always changed, callbacks, persist, data files in the graph', { timeout }, () => {
    const twin = open();
    twin.write('raw/x', '1');
    twin.run(['add', 'raw']);
    twin.write(
      'dvc.yaml',
      `stages:
  keep: {cmd: cat raw/x >> log, deps: [raw], outs: [log: {persist: true}]}
  call: {cmd: echo called}
  always: {cmd: echo 1 > al, always_changed: true, outs: [al]}
  ice: {cmd: cp raw/x ice, deps: [raw], outs: [ice]}
`,
    );
    twin.run(['repro', '-P']);
    twin.run(['freeze', 'ice']);
    twin.write('raw/x', '22');
    twin.run(['status']);
    twin.run(['repro', '-P']);
    twin.run(['unfreeze', 'ice']);
    twin.run(['repro', '-P']);
    twin.judge();
  });

  it('stage add: every flag, in place and anew', { timeout }, () => {
    const twin = open();
    write(twin);
    const add = ['stage', 'add', '-n', 'new', '-d', 'raw.txt', '-p', 'lr,nested.a', '-p', 'other.json:'];
    twin.run([
      ...add,
      '-o',
      'out/data',
      '-O',
      'raw.out',
      '-m',
      'm.json',
      '-M',
      'm2.json',
      '--plots',
      'p.csv',
      'echo',
      'a b',
      '>',
      'x',
    ]);
    twin.run(['stage', 'add', '-n', 'new', 'echo 1']);
    twin.run(['stage', 'add', '-f', '-n', 'new', '--outs-persist', 'per', 'echo 1']);
    twin.run([
      'stage',
      'add',
      '-n',
      'in',
      '-w',
      'sub',
      '-d',
      '../raw.txt',
      '-o',
      'o',
      '--always-changed',
      'cp ../raw.txt o',
    ]);
    twin.run(['stage', 'add', '-n', 'a.b', 'echo 1']);
    twin.run(['stage', 'add', '-n', 'dup', '-o', 'model', 'echo 1']);
    twin.run(['repro', 'in']);
  });

  it('swapping tools midway finds everything up to date', { timeout }, () => {
    const twin = open();
    write(twin);
    twin.run(['repro']);
    twin.judge();
    twin.write('params.yaml', 'lr: 3\nnested: {a: 1}\n');
    twin.dvc('repro', 'train');
    twin.run(['repro']);
    twin.run(['repro']);
    twin.judge();
  });
});
