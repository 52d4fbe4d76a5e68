import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { templateNames } from '../../../../src/plots/index.ts';
import { command, mlops, temporaryFolder, type Outcome } from '../../../cli.ts';
import { render, runStages } from '../../../template-project.ts';
import { describeWithTool } from '../../../tools.ts';
import { openTwin, type Twin } from '../../../twin.ts';

const pipeline = `stages:
  train:
    cmd: echo trained
    plots:
    - history.json:
        cache: false
        x: epoch
        y: loss
        title: History
    - images
    - plain.csv:
        cache: false
        header: false
        y: '1'
plots:
- loss.csv
- both:
    x: step
    y: {loss.csv: [loss, acc]}
- files:
    y: {loss.csv: loss, sub/s.yaml: [b]}
    x_label: number
- xs:
    x: {loss.csv: step, sub/s.yaml: a}
    y: {loss.csv: loss, sub/s.yaml: b}
- confusion.tsv: {template: confusion, x: actual, y: predicted, title: Confusion}
- dotted.csv: {x: a.b, y: 'c[0]'}
`;

const files: Readonly<Record<string, string>> = {
  'dvc.yaml': pipeline,
  'loss.csv': 'step,loss,acc\n0,1.0,0.1\n1,0.5,0.4\n2,0.25,"0.6"\n',
  'plain.csv': '0,1.0\n1,2\n',
  'confusion.tsv': 'actual\tpredicted\ncat\tcat\ncat\tdog\ndog\tdog\n',
  'history.json': '{"train":[{"epoch":0,"loss":1.5},{"epoch":1,"loss":1.0}],"other":{"x":[{"q":1},{"q":2}]}}',
  'sub/s.yaml': '- {a: 1, b: 2.0}\n- {a: 2, b: 3}\n- {a: 3, b: 1e-7}\n',
  'dotted.csv': 'a.b,c[0]\n1,2\n2,3\n',
  'images/a.png': '\u0089PNG',
  'images/b.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>',
};

function project(dvc: string): Twin {
  const twin = openTwin({ dvc });
  for (const [file, content] of Object.entries(files)) twin.write(file, content);
  twin.dvc('commit', '-q', '-f');
  twin.git('add', '-A');
  twin.git('commit', '-q', '-m', 'first');
  return twin;
}

/** What both tools say in their own folders, byte by byte. */
function both(twin: Twin, dvc: string, args: readonly string[], folder = ''): [theirs: Outcome, ours: Outcome] {
  const [theirs, ours] = twin.sides;
  const neutral = (outcome: Outcome, base: string): Outcome => ({
    ...outcome,
    stdout: outcome.stdout.replaceAll(base, '<BASE>'),
  });
  return [
    neutral(command(path.join(theirs.project, folder), dvc, args), theirs.base),
    neutral(mlops(path.join(ours.project, folder), args), ours.base),
  ];
}

// A call of DVC takes a second or more.
vi.setConfig({ testTimeout: 300_000 });

describeWithTool('dvc', 'twins: plots', ({ dvc }) => {
  const same = (twin: Twin, args: readonly string[], folder = ''): void => {
    const [theirs, ours] = both(twin, dvc, args, folder);
    const { status, stdout } = theirs;
    expect({ status: ours.status, stdout: ours.stdout }, `${args.join(' ')}\n${ours.stderr}`).toEqual({
      status,
      stdout,
    });
  };

  it('prints the same specifications for every kind of plot', () => {
    const twin = project(dvc);
    same(twin, ['plots', 'show', '--json']);
    same(twin, ['plots', 'show', '--json', '--split']);
    same(twin, ['plots', 'show', '--json', 'both', 'xs']);
    same(twin, ['plots', 'show', '--json', 'loss.csv', '-x', 'step', '-y', 'acc', '--title', 'T', '--x-label', 'X']);
    same(twin, ['plots', 'show', '--json', 'images']);
    same(twin, ['plots', 'show', '--json', 'nothing.csv']);
    same(twin, ['plots', 'show', '--show-vega', 'loss.csv', '-y', 'loss', '--y-label', 'Y']);
    same(twin, ['plots', 'show', '--show-vega']);
    same(twin, ['plots', 'show', '--show-vega', 'a', 'b']);
    same(twin, ['plots', 'show', '--show-vega', '--json', 'a']);
    same(twin, ['plots', 'show', '--json', '--no-header', '-y', '0', 'plain.csv']);
    // Below the root DVC forgets the header property of outputs; ours does not, so that plot is left out.
    same(twin, ['plots', 'show', '--json', 'loss', 'both', 'files', 'xs', 'images', '../images'], 'sub');
  });

  it('fills each built-in template the same way', () => {
    const twin = project(dvc);
    for (const template of templateNames)
      same(twin, ['plots', 'show', '--json', '-t', template, 'both', 'files', 'loss']);
    for (const template of ['linear', 'scatter', 'bar_horizontal'])
      same(twin, ['plots', 'show', '--json', '--split', '-t', template, 'both', 'files', 'loss']);
    for (const template of ['confusion', 'smooth']) same(twin, ['plots', 'templates', template]);
    same(twin, ['plots', 'templates']);
    same(twin, ['plots', 'templates', 'nope']);
  });

  it('uses templates of the project', () => {
    const twin = project(dvc);
    const mine =
      '{"data":{"values":"<DVC_METRIC_DATA>"},"title":"<DVC_METRIC_TITLE> of <DVC_METRIC_X>","n":1.0,"mark":"point"}';
    twin.write('.dvc/plots/mine.json', mine);
    twin.write('here.json', mine.replace('point', 'bar'));
    twin.write('broken.json', '{"no": "data"}');
    for (const name of ['mine', 'mine.json', 'here.json']) same(twin, ['plots', 'show', '--json', '-t', name, 'both']);
    for (const name of ['nope', 'broken.json']) {
      const [theirs, ours] = both(twin, dvc, ['plots', 'show', '--json', '-t', name, 'both']);
      expect(ours.status).toBe(theirs.status);
    }
  });

  it('draws revisions over each other', () => {
    const twin = project(dvc);
    twin.git('tag', 'v1');
    same(twin, ['plots', 'diff', '--json']);
    twin.write('loss.csv', 'step,loss,acc\n0,1.0,0.2\n1,0.4,0.5\n');
    same(twin, ['plots', 'diff', '--json']);
    same(twin, ['plots', 'diff', '--json', '--targets', 'both', 'confusion.tsv']);
    twin.git('commit', '-q', '-a', '-m', 'second');
    twin.remove('images');
    same(twin, ['plots', 'diff', 'v1', '--json']);
    same(twin, ['plots', 'diff', 'v1', 'main', '--json', '--split']);
    same(twin, ['plots', 'diff', 'main', 'workspace', 'v1', '--json']);
    same(twin, ['plots', 'diff', 'nope', '--json']);
  });

  it('tells what cannot be shown and goes on', () => {
    const twin = project(dvc);
    twin.write('bad.txt', 'text');
    twin.write('broken.json', '{');
    twin.write(
      'dvc.yaml',
      `${pipeline}- missing.csv\n- bad.txt\n- files2: {x: nope, y: {loss.csv: loss}}\n- short: {x: {sub/t.csv: a}, y: {loss.csv: loss}}\n`,
    );
    twin.write('sub/t.csv', 'a\n1\n');
    same(twin, ['plots', 'show', '--json']);
    const [theirs, ours] = both(twin, dvc, ['plots', 'show', '--json', 'broken.json']);
    expect(ours.status).toBe(theirs.status);
    same(twin, ['plots', 'show', 'missing.csv', '--show-vega']);
    same(twin, ['plots', 'show']);
  });

  it('modifies plots in dvc.yaml', () => {
    const twin = project(dvc);
    twin.run(['plots', 'modify', 'history.json', '-x', 'q', '--y-label', 'Loss']);
    twin.run(['plots', 'modify', 'history.json', '--unset', 'x', 'title']);
    twin.run(['plots', 'modify', 'history.json', '--unset', 'x']);
    twin.run(['plots', 'modify', 'plain.csv', '-t', 'scatter', '--no-header']);
    twin.run(['plots', 'modify', 'plain.csv', '-t', 'nope']);
    twin.run(['plots', 'modify', 'nope.csv', '-x', 'a']);
    twin.write(
      'dvc.yaml',
      'stages:\n  s:\n    cmd: echo\n    outs:\n    - a.csv\n    - z.csv\n    plots:\n    - m.csv\n',
    );
    twin.run(['plots', 'modify', 'z.csv', '-x', 'a']);
    twin.run(['plots', 'modify', 'a.csv', '--title', "it's: a title"]);
  });
});

describeWithTool('dvc', 'plots of the digits template', ({ dvc }) => {
  it('are the same for both tools, and one page that needs nothing else', () => {
    const folder = render(temporaryFolder(), 'digits', 'plots');
    command(folder, 'git', ['init', '-q', '-b', 'main']);
    command(folder, dvc, ['init', '-q']);
    runStages(folder);
    const args = ['plots', 'show', '--json'];
    expect(mlops(folder, args).stdout).toBe(command(folder, dvc, args).stdout);
    const { stdout } = mlops(folder, ['plots', 'show']);
    const page = fs.readFileSync(fileURLToPath(stdout.trim()), 'utf8');
    expect(page.match(/<svg /g)).toHaveLength(2);
    expect(page).toContain('Which digit is taken for which');
    expect(page).not.toMatch(/(src|href)="https?:/);
  });
});
