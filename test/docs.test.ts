import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

const root = path.dirname(import.meta.dirname);
const pages = [
  'CONTRIBUTING.md',
  'README.md',
  ...listed('docs'),
  ...listed('docs/how-to'),
  ...listed('docs/decisions'),
];

function listed(folder: string): string[] {
  return fs
    .readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
}

const read = (page: string): string => fs.readFileSync(path.join(root, page), 'utf8');

/** Files of this repository that a page names in code. Names with capitals (`NAME`) and `...` stand for others. */
function pathsIn(text: string): string[] {
  return [...text.matchAll(/`((?:src|test|scripts|bench|templates|docs)\/[\w./-]*)`/g)]
    .map((match) => match[1] ?? '')
    .filter((name) => !/[A-Z]{3}|\.\.\./.test(name));
}

/** What a how-to makes up as its example. */
const examples = new Set([
  'src/repo/sync/size.ts',
  'src/repo/sync/size.test.ts',
  'src/cli/commands/size.ts',
  'src/storage/gs/',
]);

describe('the documents', () => {
  it('were seen, and name files', () => {
    expect(pages.length).toBeGreaterThan(20);
    expect(pathsIn(read('docs/tour.md')).length).toBeGreaterThan(40);
  });

  it.each(pages)('%s names only files that there are', (page) => {
    const missing = pathsIn(read(page)).filter((name) => !examples.has(name) && !fs.existsSync(path.join(root, name)));
    expect(missing).toEqual([]);
  });

  it.each(pages)('%s links only to pages that there are', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)#\s]+)/g)].map((match) => match[1] ?? '');
    const missing = links.filter((link) => !fs.existsSync(path.join(root, path.dirname(page), link)));
    expect(missing).toEqual([]);
  });
});
