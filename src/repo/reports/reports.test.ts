import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { command, temporaryFolder } from '../../../test/cli.ts';
import { PyFloat, pythonJson, toPlain, type PyValue } from '../../base/index.ts';
import { diffMetrics, showMetrics } from './metrics.ts';
import { diffParams, pickKeys } from './params.ts';
import { findTemplate, writePlotFiles, writePlotsPage } from './plot-output.ts';
import { diffPlots, showPlots } from './plots.ts';
import { modifyPlot } from './plots-modify.ts';
import type { ReportProject } from './report-index.ts';
import type { RevisionReport } from './report.ts';
import { diffValues, flattenValues, subtract } from './value-diff.ts';

/** A project folder under Git with some files, all committed. */
function projectOf(
  files: Readonly<Record<string, string>>,
): ReportProject & { write(file: string, text: string): void } {
  const root = path.join(temporaryFolder(), 'project');
  const write = (file: string, text: string): void => {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), text);
  };
  fs.mkdirSync(path.join(root, '.dvc'), { recursive: true });
  for (const [file, text] of Object.entries(files)) write(file, text);
  git(root, 'init', '-q', '-b', 'main');
  commit(root);
  return { root, cacheDir: path.join(root, '.dvc/cache'), write };
}

function git(root: string, ...args: string[]): void {
  const { status, stderr } = command(root, 'git', args);
  expect(status, stderr).toBe(0);
}

function commit(root: string): void {
  git(root, 'add', '-A');
  git(root, 'commit', '-q', '-m', 'next');
}

/** Puts content into the cache and gives back its digest. */
function store(project: ReportProject, content: string, suffix = ''): string {
  const md5 = createHash('md5').update(content).digest('hex') + suffix;
  const file = path.join(project.cacheDir, 'files/md5', md5.slice(0, 2), md5.slice(2));
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content);
  return md5;
}

function plain(report: RevisionReport | undefined): unknown {
  return Object.fromEntries(
    [...(report?.files ?? [])].map(([file, found]) => [file, 'data' in found ? toPlain(found.data) : found.error.type]),
  );
}

const metricsFile = 'metrics: [m.json]\n';

describe('metrics', () => {
  it('keeps numbers, truths and texts, and leaves out lists and nothings', () => {
    const project = projectOf({
      'dvc.yaml': metricsFile,
      'm.json': '{"a": 0, "b": {"c": [], "d": null}, "e": {"f": ""}, "g": false}',
    });
    expect(plain(showMetrics(project)[0])).toEqual({ 'm.json': { a: 0, e: { f: '' }, g: false } });
  });

  it('reads outputs that only the cache has, folders too', () => {
    const project = projectOf({ 'dvc.yaml': 'stages:\n  s:\n    cmd: x\n    metrics: [one.json, all]\n' });
    const one = store(project, '{"a": 1}');
    const inner = store(project, '{"b": 2}');
    const all = store(project, `[{"md5": "${inner}", "relpath": "deep/m.json"}]`, '.dir');
    const lock = `schema: '2.0'\nstages:\n  s:\n    cmd: x\n    outs:\n    - path: all\n      hash: md5\n      md5: ${all}\n    - path: one.json\n      hash: md5\n      md5: ${one}\n`;
    project.write('dvc.lock', lock);
    commit(project.root);
    const expected = { 'all/deep/m.json': { b: 2 }, 'one.json': { a: 1 } };
    expect(plain(showMetrics(project)[0])).toEqual(expected);
    const [only] = showMetrics(project, { allBranches: true });
    expect([only?.label, plain(only)]).toEqual(['main', expected]);
    fs.rmSync(project.cacheDir, { recursive: true });
    const [lost] = showMetrics(project, { targets: ['one.json'] });
    expect(lost?.files.get('one.json')).toMatchObject({ error: { type: 'FileNotFoundError' } });
  });

  it('lists each commit once, under all its names', () => {
    const project = projectOf({ 'dvc.yaml': metricsFile, 'm.json': '{"a": 1}' });
    git(project.root, 'tag', 'v1');
    git(project.root, 'branch', 'same');
    project.write('m.json', '{"a": 2}');
    const labels = showMetrics(project, { allBranches: true, allTags: true }).map(({ label }) => label);
    expect(labels).toEqual(['workspace', 'main,same,v1']);
  });

  it('names the revision that is not there', () => {
    const project = projectOf({ 'dvc.yaml': metricsFile, 'm.json': '{}' });
    expect(() => diffMetrics(project, { from: 'nope', to: 'workspace' })).toThrow("unknown Git revision 'nope'");
  });

  it('goes on where one revision is broken', () => {
    const project = projectOf({ 'dvc.yaml': 'stages: [', 'm.json': '{"a": 1}' });
    project.write('dvc.yaml', metricsFile);
    const warnings: string[] = [];
    const [workspace, main] = showMetrics(project, { allBranches: true, onWarning: (text) => warnings.push(text) });
    expect(plain(workspace)).toEqual({ 'm.json': { a: 1 } });
    expect(main?.error).toBeDefined();
    expect(warnings[0]).toContain("failed to load metrics in revision 'main'");
  });
});

describe('params', () => {
  it('compares whole files by dotted key, and only what stages need with depsOnly', () => {
    const project = projectOf({
      'dvc.yaml': 'stages:\n  s:\n    cmd: x\n    params: [a.b]\n',
      'params.yaml': 'a: {b: 1, c: [1]}\n',
    });
    project.write('params.yaml', 'a: {b: 2, c: [1, 2.0]}\nd: x\n');
    const keys = (depsOnly: boolean): string[] => {
      const diff = diffParams(project, { from: 'HEAD', to: 'workspace', depsOnly });
      return [...(diff.files.get('params.yaml')?.keys() ?? [])];
    };
    expect(keys(false)).toEqual(['a.b', 'a.c', 'd']);
    expect(keys(true)).toEqual(['a.b']);
  });

  it('picks keys in their nesting, patterns and list places included', () => {
    const data: PyValue = new Map<PyValue, PyValue>([
      [
        'a',
        new Map([
          ['x', 1],
          ['y', 2],
        ]),
      ],
      ['list', [10, 20, 30]],
      [5, 'five'],
    ]);
    const pick = (...keys: string[]): string => pythonJson(pickKeys(data, keys), false);
    expect(pick('a.y', 'a.x')).toBe('{"a": {"y": 2, "x": 1}}');
    expect(pick('list.1')).toBe('{"list": [null, 20]}');
    expect(pick('list.2', 'list.0')).toBe('{"list": [10, null, 30]}');
    expect(pick('a.*', '5', 'nope.x')).toBe('{"a": {"x": 1, "y": 2}, "5": "five"}');
  });
});

describe('differences', () => {
  const scalar: fc.Arbitrary<PyValue> = fc.oneof(
    fc.integer(),
    fc.string(),
    fc.boolean(),
    fc.double({ noNaN: true }).map((x) => new PyFloat(x)),
  );
  const tree: fc.Arbitrary<PyValue> = fc.letrec<{ node: PyValue }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3 },
      scalar,
      fc.array(scalar, { maxLength: 3 }),
      fc
        .array(fc.tuple(fc.stringMatching(/^[a-z]{1,3}$/), tie('node')), { maxLength: 4 })
        .map((entries) => new Map(entries)),
    ),
  })).node;
  const file = fc
    .array(fc.tuple(fc.stringMatching(/^[a-z]{1,3}$/), tree))
    .map((entries) => new Map<PyValue, PyValue>(entries));

  it('finds nothing between equal files, and every value with all', () => {
    fc.assert(
      fc.property(file, (data) => {
        expect(diffValues(data, data).size).toBe(0);
        expect([...diffValues(data, data, true).keys()].sort()).toEqual([...flattenValues(data).keys()].sort());
      }),
    );
  });

  it('swaps old and new when the files are swapped', () => {
    fc.assert(
      fc.property(file, file, (a, b) => {
        const there = diffValues(a, b);
        const back = diffValues(b, a);
        expect([...there.keys()]).toEqual([...back.keys()]);
        for (const [key, change] of there)
          expect([change.old, change.new]).toEqual([back.get(key)?.new, back.get(key)?.old]);
      }),
    );
  });

  it('subtracts as Python does', () => {
    expect(subtract(3, 5)).toBe(-2);
    expect(subtract(new PyFloat(0.2), new PyFloat(0.1))).toEqual(new PyFloat(0.2 - 0.1));
    expect(subtract(true, false)).toBe(1);
    expect(subtract(2n ** 70n, 1)).toBe(2n ** 70n - 1n);
    expect(subtract('a', 1)).toBeUndefined();
  });
});

describe('plots', () => {
  const plotsFile = 'plots:\n- loss.csv\n- pictures\n';
  const files = {
    'dvc.yaml': plotsFile,
    'loss.csv': 'epoch,loss\n0,1\n1,0.5\n',
    'pictures/10.png': 'ten',
    'pictures/9.png': 'nine',
  };

  it('writes a page with drawings inline and images beside it, in the order of their numbers', async () => {
    const project = projectOf(files);
    const { plots, failures } = showPlots(project, { directory: '' });
    expect(failures).toEqual([]);
    const folder = path.join(project.root, 'out/deep');
    const file = writePlotsPage(plots, { folder, cwd: project.root, templatesDir: undefined, title: 'T' });
    const page = fs.readFileSync(file, 'utf8');
    expect(page).toContain('<svg ');
    expect([...page.matchAll(/src="([^"]+)"/g)].map((match) => match[1])).toEqual([
      'static/workspace_pictures_9.png',
      'static/workspace_pictures_10.png',
    ]);
    expect(fs.readFileSync(path.join(folder, 'static/workspace_pictures_9.png'), 'utf8')).toBe('nine');
    const places = { folder, cwd: project.root, templatesDir: undefined, title: 'T' };
    const [svg = ''] = await writePlotFiles(plots, 'svg', places);
    const [, width, height] = /^<svg .*? width="(\d+)" height="(\d+)"/.exec(fs.readFileSync(svg, 'utf8')) ?? [];
    const [png = ''] = await writePlotFiles(plots, 'png', places);
    const bytes = fs.readFileSync(png);
    expect(bytes.subarray(0, 8)).toEqual(Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]));
    expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20)]).toEqual([2 * Number(width), 2 * Number(height)]);
  });

  it('shows the work tree first, then other revisions as they were asked for', () => {
    const project = projectOf(files);
    git(project.root, 'tag', 'v1');
    project.write('loss.csv', 'epoch,loss\n0,2\n');
    const revisions = (...names: string[]): readonly string[] | undefined =>
      diffPlots(project, names, { directory: '', targets: ['loss'] }).plots[0]?.revisions;
    expect(revisions()).toEqual(['workspace', 'HEAD']);
    expect(revisions('v1')).toEqual(['workspace', 'v1']);
    expect(revisions('main', 'v1')).toEqual(['main', 'v1']);
  });

  it('calls plots by their path from where the user stands', () => {
    const project = projectOf({ ...files, 'sub/dvc.yaml': 'plots: [own.csv]\n', 'sub/own.csv': 'a\n1\n' });
    const ids = (directory: string): string[] => showPlots(project, { directory }).plots.map(({ id }) => id);
    expect(ids('').sort()).toEqual(['loss.csv', 'pictures/10.png', 'pictures/9.png', 'sub/own.csv']);
    expect(ids('sub').sort()).toEqual(['../loss.csv', '../pictures/10.png', '../pictures/9.png', 'own.csv']);
  });

  it('finds templates in the project before the built-in ones', () => {
    const project = projectOf({ ...files, '.dvc/plots/linear.json': '{"mark": "point"}', '.dvc/plots/bad.json': '[' });
    const places = { templatesDir: path.join(project.root, '.dvc/plots'), cwd: project.root };
    expect(findTemplate(undefined, places)).toMatchObject({ name: 'linear', builtin: false });
    expect(findTemplate('scatter', places).builtin).toBe(true);
    expect(() => findTemplate('nope', places)).toThrow("Template 'nope' not found.");
    expect(() => findTemplate('bad', places)).toThrow('is not valid JSON');
  });

  it('modifies one entry of dvc.yaml and leaves the rest as the user wrote it', () => {
    const text =
      '# mine\nstages:\n  s:   # the stage\n    cmd: x\n    outs:\n      - z.csv   # last\n      - a.csv\n    plots:\n      - m.csv:\n          # how\n          x: a\n';
    const project = projectOf({ 'dvc.yaml': text });
    const places = { templatesDir: undefined, cwd: project.root };
    modifyPlot(project, { ...places, target: 'm.csv', shown: 'm.csv', properties: new Map([['y', 'b']]) });
    expect(fs.readFileSync(path.join(project.root, 'dvc.yaml'), 'utf8')).toBe(
      text.replace('x: a\n', 'x: a\n          y: b\n'),
    );
  });
});
