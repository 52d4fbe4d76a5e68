import { describe, expect, it } from 'vitest';

import { formatDvcFile, parseDvcFile, stageChecksum } from './dvc-file.ts';

const added = `outs:
- md5: 9b8699ac1c220869d48067d4fad506eb.dir
  size: 4
  nfiles: 5
  hash: md5
  path: data
`;

const legacy = `md5: a304afb96060aad90176268345e10355
desc: my data
wdir: ..
outs:
- md5: d3b07384d113edec49eaa6238ad5ff00
  path: raw/x
  cache: false
  persist: true
  desc: the raw one
  remote: big
  push: false
`;

const imported = `md5: 8c9bc3a1ad7ac2bd0e6fd1ef6ce67b1f
frozen: true
deps:
- path: get-started/data.xml
  repo:
    url: https://github.com/iterative/dataset-registry
    rev: main
    rev_lock: f31f5c4cdae787b4bdeb97a717687d44667d9e62
outs:
- md5: 22a1a2931c8370d3aeedd7183606fd7f
  size: 14445097
  hash: md5
  path: data.xml
`;

const fromBucket = `frozen: true
deps:
- etag: 9a0364b9e99bb480dd25e1f0284c8555
  size: 7
  version_id: v1
  hash: md5
  path: remote://ver/x
  fs_config:
    version_aware: true
outs:
- hash: md5
  path: x
  push: false
  files:
  - relpath: a
    md5: 9a0364b9e99bb480dd25e1f0284c8555
    size: 7
    cloud:
      ver:
        etag: abc
        version_id: v1
`;

describe('a .dvc file', () => {
  it('says what it tracks, relative to its place', () => {
    const stage = parseDvcFile(added, 'sub/data.dvc', '/project');
    expect(stage).toMatchObject({ address: 'sub/data.dvc', kind: 'data', wdir: 'sub', frozen: false, deps: [] });
    expect(stage.outs).toEqual([
      expect.objectContaining({
        defPath: 'data',
        path: 'sub/data',
        cache: true,
        info: { md5: '9b8699ac1c220869d48067d4fad506eb.dir', hashName: 'md5', size: 4, nfiles: 5 },
      }),
    ]);
  });

  it('of DVC 2 keeps its hash, and may name another working folder', () => {
    const stage = parseDvcFile(legacy, 'a/b/x.dvc', '/project');
    expect(stage.wdir).toBe('a');
    expect(stage.outs[0]).toMatchObject({ path: 'a/raw/x', cache: false, push: false, remote: 'big' });
    expect(stage.outs[0]?.info?.hashName).toBe('md5-dos2unix');
  });

  it('of an import names its source', () => {
    const stage = parseDvcFile(imported, 'data.xml.dvc');
    expect(stage.frozen).toBe(true);
    expect(stage.deps[0]).toMatchObject({
      path: undefined,
      repo: { url: 'https://github.com/iterative/dataset-registry', rev: 'main' },
    });
  });

  it.each([added, imported, fromBucket])('is written as DVC writes it', (text) => {
    expect(formatDvcFile(parseDvcFile(text, 'x.dvc'))).toBe(text);
  });

  it('keeps comments and the order of keys when it is updated', () => {
    const text = `# mine\n${added}meta:\n  who: me\n`;
    const stage = parseDvcFile(text, 'data.dvc');
    const [out] = stage.outs;
    const info = { md5: 'd751713988987e9331980363e24189ce.dir', hashName: 'md5', size: 0, nfiles: 0 } as const;
    const changed = { ...stage, outs: out === undefined ? [] : [{ ...out, info }] };
    expect(formatDvcFile(changed, text)).toBe(
      text
        .replace('9b8699ac1c220869d48067d4fad506eb', 'd751713988987e9331980363e24189ce')
        .replace('size: 4', 'size: 0')
        .replace('nfiles: 5', 'nfiles: 0'),
    );
    expect(formatDvcFile(parseDvcFile(legacy, 'a/x.dvc'), legacy)).toBe(legacy);
  });

  it('of an import has a checksum that ignores what may change freely', () => {
    const stage = parseDvcFile(imported, 'data.xml.dvc');
    const other = parseDvcFile(imported.replace('size: 14445097', 'size: 1'), 'data.xml.dvc');
    expect(stageChecksum(other)).toBe(stageChecksum(stage));
    const moved = parseDvcFile(imported.replace('rev: main', 'rev: dev'), 'data.xml.dvc');
    expect(stageChecksum(moved)).not.toBe(stageChecksum(stage));
  });

  it.each([
    ['outs:\n- path: x\n  bad: 1\n', 'extra keys not allowed, in outs -> 0 -> bad, line 2, column 3'],
    ['cmd: x\n', 'extra keys not allowed, in cmd'],
    ['- a\n', 'expected a dictionary'],
    ['outs: 1\n', 'expected a list, in outs'],
  ])('that breaks the schema is refused with the place: %j', (text, message) => {
    expect(() => parseDvcFile(text, 'x.dvc')).toThrow(expect.objectContaining({ code: 'bad_project_file' }));
    expect(() => parseDvcFile(text, 'x.dvc')).toThrow(message);
  });
});
