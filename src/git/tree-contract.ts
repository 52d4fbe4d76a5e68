import { expect, it } from 'vitest';

import type { MemoryFile } from './memory-tree.ts';
import type { Tree, TreePath } from './tree.ts';

/**
 * What every kind of `Tree` must do. `make` returns a tree holding the given files and nothing else but
 * what the kind itself needs (a `.git` folder).
 */
export function treeContract(make: (files: Readonly<Record<TreePath, MemoryFile>>) => Tree): void {
  const text = (bytes: Uint8Array | undefined): string | undefined =>
    bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
  const names = (tree: Tree, dir: TreePath): string[] =>
    tree
      .list(dir)
      .map((item) => item.name)
      .filter((name) => name !== '.git');

  it('lists a directory in code point order', () => {
    const tree = make({ 'd/\u{1f600}': '', 'd/\uffee': '', 'd/a/b': '', 'd/B': '', z: '' });
    expect(names(tree, 'd')).toEqual(['B', 'a', '\uffee', '\u{1f600}']);
    expect(names(tree, '')).toEqual(['d', 'z']);
  });

  it('says of each entry what it is', () => {
    const tree = make({ 'd/f': 'x', run: { content: '#!', executable: true }, l: { link: 'd/f' } });
    expect(tree.list('').filter((item) => item.name !== '.git')).toEqual([
      { name: 'd', kind: 'dir', executable: false },
      { name: 'l', kind: 'link', executable: false },
      { name: 'run', kind: 'file', executable: true },
    ]);
    expect(tree.entry('d/f')).toEqual({ name: 'f', kind: 'file', executable: false });
    expect(tree.entry('d')).toEqual({ name: 'd', kind: 'dir', executable: false });
    expect(tree.entry('')?.kind).toBe('dir');
  });

  it('reads bytes as they are, empty files too', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const tree = make({ 'bin/all': bytes, empty: '', 'a b/é\n.txt': 'odd name' });
    expect([...(tree.read('bin/all') ?? [])]).toEqual([...bytes]);
    expect(text(tree.read('empty'))).toBe('');
    expect(text(tree.read('a b/é\n.txt'))).toBe('odd name');
  });

  it('answers undefined or nothing for what is absent, and for a path of the wrong kind', () => {
    const tree = make({ 'd/f': 'x' });
    expect(tree.read('nope')).toBeUndefined();
    expect(tree.read('d')).toBeUndefined();
    expect(tree.read('d/f/g')).toBeUndefined();
    expect(tree.entry('d/f/g')).toBeUndefined();
    expect(tree.list('d/f')).toEqual([]);
    expect(tree.list('nope')).toEqual([]);
  });

  it('follows links of files and directories, and gives up on loops and broken ones', () => {
    const tree = make({
      'd/f': 'x',
      'd/up': { link: '../top' },
      top: 'y',
      dir: { link: 'd' },
      chain: { link: 'dir/f' },
      loop: { link: 'loop' },
      broken: { link: 'nope' },
    });
    expect(text(tree.read('d/up'))).toBe('y');
    expect(text(tree.read('dir/f'))).toBe('x');
    expect(text(tree.read('chain'))).toBe('x');
    expect(names(tree, 'dir')).toEqual(['f', 'up']);
    expect(tree.entry('dir/f')?.kind).toBe('file');
    expect(tree.read('loop')).toBeUndefined();
    expect(tree.read('broken')).toBeUndefined();
    expect(tree.entry('broken')?.kind).toBe('link');
  });

  it('reads the same with and without prefetch', () => {
    const tree = make({ a: '1', 'b/c': '2', 'b/d': '1' });
    tree.prefetch(['a', 'b/c', 'b/d', 'nope', 'b']);
    expect(['a', 'b/c', 'b/d'].map((name) => text(tree.read(name)))).toEqual(['1', '2', '1']);
  });
}
