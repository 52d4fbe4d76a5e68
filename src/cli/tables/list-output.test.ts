import { expect, it } from 'vitest';

import { listLines, treeLines } from './list-output.ts';
import { dvcSize } from './list-table.ts';

const plain = { size: false, hash: false, colors: undefined };

it('shows sizes as DVC does', () => {
  const sizes = [0, 999, 1023, 1024, 5000, 10_239, 102_348, 1_048_575, 1_048_576, 5_000_000_000];
  expect(sizes.map(dvcSize)).toEqual([
    '0',
    '999',
    '1023',
    '1.00k',
    '4.88k',
    '10.0k',
    '99.9k',
    '1.00M',
    '1.00M',
    '4.66G',
  ]);
});

it('aligns sizes to the right and leaves out those of folders that have none', () => {
  const entries = [
    { path: 'a', isdir: false, size: 5000, md5: null },
    { path: 'folder', isdir: true, size: 0, md5: 'x.dir' },
  ];
  expect(listLines(entries, { ...plain, size: true, hash: true })).toEqual(['4.88k  -      a', '       x.dir  folder']);
});

it('draws a tree', () => {
  const file = (path: string) => ({ path, isdir: false });
  const top = {
    path: '.',
    isdir: true,
    contents: [{ path: 'd', isdir: true, contents: [file('x'), file('y')] }, file('z')],
  };
  expect(treeLines(top, plain)).toEqual(['.', '├── d', '│   ├── x', '│   └── y', '└── z']);
});

it('colours folders, programs and what LS_COLORS names', () => {
  const entries = [
    { path: 'd', isdir: true },
    { path: 'run', isdir: false, isexec: true },
    { path: 'a.zip', isdir: false },
  ];
  expect(listLines(entries, { ...plain, colors: '' })).toEqual([
    '\ufdd0[01;34md\ufdd0[0m',
    '\ufdd0[01;32mrun\ufdd0[0m',
    'a.zip',
  ]);
  expect(listLines(entries, { ...plain, colors: '*.zip=01;31' })).toEqual(['d', 'run', '\ufdd0[01;31ma.zip\ufdd0[0m']);
});
