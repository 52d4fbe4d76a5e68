import * as fs from 'node:fs';
import * as path from 'node:path';

import { expect, it, vi } from 'vitest';

import { isMlopsError } from '../../../../src/base/index.ts';
import {
  dumpYaml,
  editYaml,
  formatDvcFile,
  lockedStageMap,
  parseDvcFile,
  parseLockFile,
  parseYaml,
  putLockedStage,
  stageChecksum,
  type YamlEdit,
} from '../../../../src/project/index.ts';
import { parseYamlFully } from '../../../../src/project/yaml/read.ts';
import { readYamlSubset } from '../../../../src/project/yaml/subset.ts';
import { describeWithCorpus, describeWithTool, tool } from '../../../tools.ts';
import { askRuamel, typed, type Typed } from './ruamel.ts';

// Each step starts a Python process, which is slow on a busy machine.
vi.setConfig({ testTimeout: 300_000 });

function filesOf(folder: string, wanted: (name: string) => boolean): string[] {
  const names = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => wanted(path.basename(name))).map((name) => path.join(folder, name));
}

function readable(file: string): boolean {
  return fs.statSync(file).isFile();
}

describeWithCorpus('metafiles of real projects', (folder) => {
  const dvcFiles = filesOf(folder, (name) => name.endsWith('.dvc') && name !== '.dvc').filter(readable);
  const locks = filesOf(folder, (name) => name === 'dvc.lock').filter(readable);
  const others = filesOf(folder, (name) => /\.ya?ml$/.test(name)).filter(readable);

  it('are there', () => {
    expect(dvcFiles.length).toBeGreaterThan(20);
    expect(locks.length).toBeGreaterThan(20);
  });

  it('.dvc files say the same after being read and written', () => {
    for (const file of dvcFiles) {
      const text = fs.readFileSync(file, 'utf8');
      const stage = parseDvcFile(text, path.basename(file));
      expect(parseYaml(formatDvcFile(stage), file), file).toEqual(parseYaml(text, file));
      expect(formatDvcFile(stage, text), file).toBe(text);
      if (stage.md5 !== undefined && stage.deps.length > 0) expect(stageChecksum(stage), file).toBe(stage.md5);
    }
  });

  it('dvc.lock files are read by lines, and say the same after each stage was put in again', () => {
    let byLines = 0;
    for (const file of locks) {
      const text = fs.readFileSync(file, 'utf8');
      const fast = readYamlSubset(text);
      if (fast !== undefined) expect(fast, file).toEqual(parseYamlFully(text, file));
      if (fast !== undefined) byLines++;
      const stages = parseLockFile(text, file);
      let again = text;
      for (const [name, stage] of stages) again = putLockedStage(again, name, stage, file);
      const said = (source: string): unknown[] =>
        [...parseLockFile(source, file)].map(([name, stage]) => [name, lockedStageMap(stage)]);
      expect(said(again), file).toEqual(said(text));
    }
    expect(byLines / locks.length).toBeGreaterThan(0.9);
  });

  it('mean what ruamel reads in them, and are written as ruamel writes them', () => {
    const dvc = tool('dvc');
    if (dvc === undefined) return;
    const texts = [...dvcFiles, ...locks, ...others].map((file) => fs.readFileSync(file, 'utf8'));
    const read = askRuamel<Typed>(
      dvc,
      texts.map((text) => ({ op: 'parse', text })),
    );
    const values = texts.map((text, i) => {
      const ours = tryParse(text);
      const theirs = read[i]?.ok;
      if (theirs === undefined) expect(ours, text).toBe('error');
      else expect(ours === 'error' ? ours : typed(ours ?? new Map()), text).toEqual(theirs);
      return ours;
    });
    const known = values.filter((value) => value !== 'error' && !JSON.stringify(typed(value)).includes('["d"'));
    const written = askRuamel<string>(
      dvc,
      known.map((value) => ({ op: 'dump', value: typed(value) })),
    );
    for (const [i, value] of known.entries()) {
      if (written[i]?.lossless === true && value !== null) expect(withoutAnchors(dumpYaml(value))).toBe(written[i].ok);
    }
  });
});

describeWithCorpus('edits of the metafiles of real projects', (folder) => {
  it('give the bytes that ruamel gives, where ruamel leaves the rest of the file alone', () => {
    const dvc = tool('dvc');
    if (dvc === undefined) return;
    const files = filesOf(folder, (name) => name === 'dvc.yaml' || (name.endsWith('.dvc') && name !== '.dvc')).filter(
      readable,
    );
    const texts = files.map((file) => fs.readFileSync(file, 'utf8'));
    const untouched = askRuamel<string>(
      dvc,
      texts.map((text) => ({ op: 'edit', text, edits: [] })),
    );
    const stable = texts.filter((text, i) => untouched[i]?.ok === text && editsOf(text).length > 0);
    expect(stable.length).toBeGreaterThan(40);
    const theirs = askRuamel<string>(
      dvc,
      stable.map((text) => ({
        op: 'edit',
        text,
        edits: editsOf(text).map((edit) => [edit.op, edit.path, 'value' in edit ? typed(edit.value) : null]),
      })),
    );
    const same = stable.filter((text, i) => editYaml(text, 'f', editsOf(text)) === theirs[i]?.ok);
    // ruamel puts a new key behind the blank lines and comments that follow the last one; ours stands before them.
    const spaced = stable.filter((text) => /\n *(#.*)?\n/.test(text));
    expect(same.length).toBeGreaterThanOrEqual(stable.length - spaced.length);
  });
});

/** What `add` does to a `.dvc` file, and `freeze` to the first stage of a pipeline. */
function editsOf(text: string): YamlEdit[] {
  const value = tryParse(text);
  if (!(value instanceof Map)) return [];
  if (Array.isArray(value.get('outs'))) {
    return [
      { op: 'set', path: ['outs', 0, 'md5'], value: '0123456789abcdef0123456789abcdef.dir' },
      { op: 'set', path: ['outs', 0, 'nfiles'], value: 7 },
    ];
  }
  const stages = value.get('stages');
  const [name] = stages instanceof Map ? [...stages.keys()] : [];
  return typeof name === 'string' ? [{ op: 'set', path: ['stages', name, 'frozen'], value: true }] : [];
}

/** Shared parts are written with anchors; the copy that Python got has none. */
function withoutAnchors(text: string): string {
  return /&id\d/.test(text) ? dumpYaml(structuredCopy(parseYaml(text, 'x'))) : text;
}

function structuredCopy(value: ReturnType<typeof parseYaml>): ReturnType<typeof parseYaml> {
  if (Array.isArray(value)) return value.map(structuredCopy);
  return value instanceof Map ? new Map([...value].map(([key, item]) => [key, structuredCopy(item)])) : value;
}

function tryParse(text: string): ReturnType<typeof parseYaml> {
  try {
    return parseYaml(text, 'file');
  } catch (error) {
    if (isMlopsError(error, 'bad_yaml')) return 'error';
    throw error;
  }
}

describeWithTool('dvc', 'YAML that people write', ({ dvc }) => {
  const texts = [
    'a: yes\nb: Off\nc: 017\nd: 0o17\ne: 0x1f\nf: 1_000\ng: 1e3\nh: .5\ni: 5.\nj: +1\nk: -0\nl: ~\nm:\nn: null\n',
    'a: .inf\nb: -.INF\nc: .NaN\nd: 1e400\ne: 0b11\nf: 1.5e-7\ng: 12345678901234567890123\nh: 1:30\ni: 0.1_5\n',
    'a: 2020-01-01\nb: 2020-01-01 10:00:00\nc: 2020-1-1\nd: 20-01-01\n',
    'a: "x\\u00e9\\n\\x41\\ty"\nb: \'it\'\'s\'\nc: "two\n  lines"\nd: plain\n  goes on\n\n  here\n',
    'a: |\n  x\n   y\n\n\nb: |-\n  x\nc: |+\n  x\n\nd: >\n  a\n  b\n\n  c\ne: >-\n  a\n   b\n',
    'base: &b {x: 1, y: [1, 2]}\none:\n  <<: *b\n  y: 3\ntwo: *b\n',
    'a: [1, "2", {b: c}, [d]]\nb: {}\nc: []\nd: {a: , b: }\n',
    'a: 1 # c\n# d\nb: "#e" # f\nc: g#h\n',
    '- 1\n- - 2\n  - 3\n-\n  a: 1\n',
    '"a b": 1\n\'c\': 2\n? d\n: 3\n1: x\nnull: w\n',
    'a: 1\na: 2\n',
    'a: 1\n b: 2\n',
    'a:\n\t- b\n',
    'a: [1, 2\n',
    'a: "x\n',
    'a: *b\n',
    'a: b: c\n',
    'a: @b\n',
    'a: `b\n',
    'a: %b\n',
    '%YAML 1.2\n---\na: 1\n',
    '---\na: 1\n...\n',
    '--- a\n--- b\n',
    'a: !!str 1\nb: !!int "2"\nc: !!float 3\n',
    'a: !x 1\n',
    '\ufeffa: 1\n',
    'a: 1\r\nb: 2\r\n',
    'a: x # y\n  z\n',
    'key with spaces: and value with spaces   \n',
    'cmd: python x.py --a=1 "b c" \'d\' && echo {e} [f] & g | h > i\n',
    "cmd: 'a: b'\nurl: http://x:1/y#z\nwin: C:\\x\nstar: a*b\nq: a?b\nbang: a!b\n",
  ];

  it('is understood as by ruamel', () => {
    const answers = askRuamel<Typed>(
      dvc,
      texts.map((text) => ({ op: 'parse', text })),
    );
    for (const [i, text] of texts.entries()) {
      const ours = tryParse(text);
      const theirs = answers[i];
      if (theirs?.ok === undefined) expect(ours, `${text}${theirs?.error}`).toBe('error');
      else expect(ours === 'error' ? ours : typed(ours ?? new Map()), text).toEqual(theirs.ok);
    }
  });
});
