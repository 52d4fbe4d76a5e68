import { describe, expect, it } from 'vitest';

import { memoryTree } from '../../git/index.ts';
import type { Content, TreeFile } from '../../data/index.ts';
import type { Stage } from '../../project/index.ts';
import { newDataStage, newOut } from '../workspace/add.ts';
import { pathInside, repoView, type RepoView } from './repo-view.ts';

const folderId = 'd751713988987e9331980363e24189ce.dir';
const fileId = '0cc175b9c0f1b6a831c399e269772661';

function stage(file: string, md5: string, more: object = {}): Stage {
  const info = { md5, hashName: 'md5' as const, ...more };
  return newDataStage(`${file}.dvc`, '', { ...newOut(file, file), info });
}

/** A repository with code, a folder and a file of DVC, and how often the manifest was asked for. */
function viewed(
  files: readonly TreeFile[] = [
    { relpath: 'sub/b', md5: fileId },
    { relpath: 'a', md5: fileId },
  ],
): {
  readonly view: RepoView;
  readonly asked: Content[];
} {
  const asked: Content[] = [];
  const view = repoView({
    tree: memoryTree({ 'src/code.py': 'print()', 'data.dvc': 'outs:', 'secret/x': 'x', '.mlops/index.sqlite': 'x' }),
    stages: [stage('data', folderId, { size: 7, nfiles: 2 }), stage('models/net.bin', fileId, { size: 3 })],
    ignored: (file) => file === 'secret' || file.startsWith('secret/'),
    manifest: async (content) => {
      asked.push(content);
      return files;
    },
  });
  return { view, asked };
}

const names = async (view: RepoView, folder: string, dvcOnly = false): Promise<string[]> =>
  (await view.list(folder, { dvcOnly })).map(({ name }) => name);

describe("a repository's files", () => {
  it("are Git's and DVC's together, without what is ignored and what is ours", async () => {
    const { view, asked } = viewed();
    expect(await names(view, '')).toEqual(['data', 'data.dvc', 'models', 'src']);
    expect(await names(view, '', true)).toEqual(['data', 'models']);
    expect(await view.entry('secret/x')).toBeUndefined();
    expect(await view.entry('.mlops/index.sqlite')).toBeUndefined();
    expect(asked).toEqual([]);
  });

  it('tell what is an output and what lies around one, where only its address is known', async () => {
    const { view } = viewed();
    expect(await view.entry('data')).toMatchObject({ kind: 'dir', isOut: true, inTree: false, size: 7 });
    expect(await view.entry('models')).toMatchObject({ kind: 'dir', isOut: false });
    expect(await view.entry('models/net.bin')).toMatchObject({ kind: 'file', isOut: true, content: { md5: fileId } });
    expect(await view.entry('src/code.py')).toMatchObject({ kind: 'file', isOut: false, inTree: true });
    for (const file of ['nothing', 'data/none', 'src/code.py/x', 'models/net.bin/x']) {
      expect(await view.entry(file), file).toBeUndefined();
    }
  });

  it('inside a folder of DVC come from its manifest, which is read once', async () => {
    const { view, asked } = viewed();
    expect(await names(view, 'data')).toEqual(['a', 'sub']);
    expect(await names(view, 'data/sub')).toEqual(['b']);
    expect(await view.entry('data/sub/b')).toMatchObject({ kind: 'file', isOut: true, content: { md5: fileId } });
    expect(asked).toHaveLength(1);
  });

  it('are in the order of code points', async () => {
    const { view } = viewed(['\u{10000}', '\uffee', 'a', 'B'].map((relpath) => ({ relpath, md5: fileId })));
    expect(await names(view, 'data')).toEqual(['B', 'a', '\uffee', '\u{10000}']);
  });

  it('cannot be listed where the manifest cannot be had', async () => {
    const view = repoView({
      tree: memoryTree({}),
      stages: [stage('data', folderId)],
      ignored: () => false,
      manifest: async () => {
        throw new Error('no remote');
      },
    });
    await expect(view.list('data')).rejects.toThrow('no remote');
  });
});

it.each([
  [undefined, '', ''],
  ['', 'sub', ''],
  ['a/b', '', 'a/b'],
  ['a', 'sub', 'sub/a'],
  ['../a', 'sub', 'a'],
  ['../../../a', 'sub', 'a'],
  ['/a', 'sub', 'a'],
  ['.', 'sub', 'sub'],
])('the path %j, given in the folder %j of a repository, is %j', (given, standpoint, found) => {
  expect(pathInside(given, standpoint)).toBe(found);
});
