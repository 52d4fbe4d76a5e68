import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

import { commandLine } from '../../../test/support/command-line.ts';
import { docsTopics } from '../session/docs-topics.ts';
import { markdownPage } from '../terminal/markdown.ts';

const root = path.resolve(import.meta.dirname, '../../..');

describe('mlops docs', () => {
  it('has a topic for every page that users read, and a page for every topic', () => {
    const listed = new Set(docsTopics.map(({ file }) => file));
    const internal = ['docs/architecture.md', 'docs/tour.md'];
    const pages = fs.readdirSync(path.join(root, 'docs')).filter((name) => name.endsWith('.md'));
    expect(pages.length).toBeGreaterThan(10);
    expect(pages.map((name) => `docs/${name}`).filter((file) => !listed.has(file) && !internal.includes(file))).toEqual(
      [],
    );
    for (const { file } of docsTopics) expect(fs.existsSync(path.join(root, file)), file).toBe(true);
    const words = docsTopics.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]);
    expect(new Set(words).size).toBe(words.length);
  });

  it('ships what it shows', () => {
    const { files } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')) as { files: string[] };
    for (const { file } of docsTopics)
      expect(
        files.some((entry) => `${file}/`.startsWith(`${entry}/`)),
        file,
      ).toBe(true);
  });

  it('lists its topics, prints a page by any of its names, and says what was meant', async () => {
    const list = await commandLine('/', ['docs']);
    expect(list.status).toBe(0);
    expect(list.stdout).toMatch(/^serving +Serving/m);
    const text = fs.readFileSync(path.join(root, 'docs/serving.md'), 'utf8');
    for (const word of ['serving', 'serve', 'serving.md', 'SERVING'])
      expect((await commandLine('/', ['docs', word])).stdout).toBe(text);
    expect((await commandLine('/', ['docs', 'serving', '--path'])).stdout).toBe(
      `${path.join(root, 'docs/serving.md')}\n`,
    );
    const wrong = await commandLine('/', ['docs', 'servign']);
    expect(wrong).toMatchObject({ status: 2, stdout: '' });
    expect(wrong.stderr).toContain("did you mean 'serving'?");
    const json = JSON.parse((await commandLine('/', ['docs', '--json'])).stdout) as { name: string }[];
    expect(json.map(({ name }) => name)).toEqual(docsTopics.map(({ name }) => name));
  });

  it('makes a web page of tables and code that runs and fetches nothing', async () => {
    const html = await markdownPage('A <page>', '# T\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\nx < y\n```\n');
    expect(html).toContain('<title>A &lt;page></title>');
    expect(html).toContain('<td>1</td>');
    expect(html).toContain('x &lt; y');
    expect(html).not.toMatch(/<script|src=|@import/);
  });
});

describe('mlops explain', () => {
  it('tells of a code, however it is spelled, and of all', async () => {
    const one = await commandLine('/', ['explain', 'Not-A-Project']);
    expect(one).toMatchObject({ status: 0, stderr: '' });
    expect(one.stdout).toMatch(/^not_a_project: No DVC/);
    expect(JSON.parse((await commandLine('/', ['explain', 'usage', '--json'])).stdout)).toMatchObject({
      code: 'usage',
      exit: 2,
    });
    expect((await commandLine('/', ['explain'])).stdout).toContain('\ndisk_full: ');
    expect((await commandLine('/', ['explain', 'not_a_projcet'])).stderr).toContain("did you mean 'not_a_project'?");
  });
});
