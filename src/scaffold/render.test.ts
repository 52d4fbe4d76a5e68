import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { isMlopsError } from '../base/index.ts';
import { renderTemplate } from './index.ts';
import { renderFrom } from './render.ts';

let room: string;
let templates: string;
let target: string;

beforeEach(() => {
  room = fs.mkdtempSync(path.join(os.tmpdir(), 'scaffold-'));
  templates = path.join(room, 'templates');
  target = path.join(room, 'new', 'project');
  write('templates/plain/template.json', {
    name: 'plain',
    summary: 'a template',
    description: 'for these tests',
    templated: ['README.md', '.github/workflows/ci.yml'],
    next: ['mlops repro'],
  });
  write('templates/plain/README.md', '# {{project}}\n\n{{project}} again\n');
  write('templates/plain/_gitignore', 'node_modules/\n');
  write('templates/plain/data/_gitignore', '/{{project}}\n');
  write('templates/plain/_github/workflows/ci.yml', 'name: {{project}}\nref: ${{ github.ref }} ${{x}}\n');
  write('templates/plain/src/_helpers.py', 'pass\n');
  fs.writeFileSync(path.join(templates, 'plain', 'picture.bin'), Buffer.from([0xff, 0x00, 0x7b, 0x7b]));
});

afterEach(() => fs.rmSync(room, { recursive: true, force: true }));

const variables = { project: 'crops & $1' };
const allFiles = [
  '.github/workflows/ci.yml',
  '.gitignore',
  'README.md',
  'data/.gitignore',
  'picture.bin',
  'src/_helpers.py',
];

describe('rendering a template', () => {
  it('copies every file but the description, and gives dot files their names', () => {
    const { files, next } = renderFrom(templates, 'plain', target, { variables });
    expect(files).toEqual(allFiles);
    expect(listAll(target)).toEqual(allFiles);
    expect(next).toEqual(['mlops repro']);
    expect(fs.readFileSync(path.join(target, 'picture.bin'))).toEqual(Buffer.from([0xff, 0x00, 0x7b, 0x7b]));
  });

  it('replaces variables in the listed files only', () => {
    renderFrom(templates, 'plain', target, { variables });
    expect(read('README.md')).toBe('# crops & $1\n\ncrops & $1 again\n');
    expect(read('data/.gitignore')).toBe('/{{project}}\n');
  });

  it('leaves the expressions of GitHub workflows alone', () => {
    renderFrom(templates, 'plain', target, { variables });
    expect(read('.github/workflows/ci.yml')).toBe('name: crops & $1\nref: ${{ github.ref }} ${{x}}\n');
  });

  it('writes nothing in a dry run, and says what it would write', () => {
    expect(renderFrom(templates, 'plain', target, { variables, dryRun: true }).files).toEqual(allFiles);
    expect(fs.existsSync(path.dirname(target))).toBe(false);
  });

  it('takes a variable without a value for a bug, before anything is written', () => {
    expect(() => renderFrom(templates, 'plain', target)).toThrow(/no value for \{\{project\}\}/);
    expect(() => renderFrom(templates, 'plain', target, { variables: {} })).toThrow(/no value/);
    expect(fs.existsSync(target)).toBe(false);
  });

  it('keeps other files of the folder', () => {
    write('new/project/notes.txt', 'mine');
    renderFrom(templates, 'plain', target, { variables });
    expect(listAll(target)).toEqual([...allFiles, 'notes.txt'].sort());
  });
});

describe('files in the way', () => {
  it('are all named, and nothing is written', () => {
    write('new/project/README.md', 'mine');
    write('new/project/src/_helpers.py', 'mine');
    const error = thrown(() => renderFrom(templates, 'plain', target, { variables }));
    expect(error).toMatchObject({
      code: 'files_in_the_way',
      message: '2 files would be overwritten: README.md, src/_helpers.py',
      data: { files: ['README.md', 'src/_helpers.py'] },
    });
    expect(listAll(target)).toEqual(['README.md', 'src/_helpers.py']);
  });

  it('are refused by a dry run too', () => {
    write('new/project/README.md', 'mine');
    const error = thrown(() => renderFrom(templates, 'plain', target, { variables, dryRun: true }));
    expect(error).toMatchObject({ code: 'files_in_the_way' });
  });

  it('are replaced with force', () => {
    write('new/project/README.md', 'mine');
    renderFrom(templates, 'plain', target, { variables, force: true });
    expect(read('README.md')).toContain('crops');
  });

  it('do not count when they have the same bytes, so that a copy can be repeated', () => {
    renderFrom(templates, 'plain', target, { variables });
    fs.rmSync(path.join(target, 'README.md'));
    expect(renderFrom(templates, 'plain', target, { variables }).files).toEqual(allFiles);
    expect(listAll(target)).toEqual(allFiles);
  });

  it('are refused even with force where a folder and a file would have to change places', () => {
    write('new/project/src', 'a file where a folder must be');
    fs.mkdirSync(path.join(target, 'README.md'));
    fs.symlinkSync('nowhere', path.join(target, 'picture.bin'));
    const error = thrown(() => renderFrom(templates, 'plain', target, { variables, force: true }));
    expect(error).toMatchObject({
      code: 'files_in_the_way',
      message: `'${inTarget('README.md')}' is not a file, '${inTarget('picture.bin')}' is not a file, '${inTarget('src')}' is not a folder`,
    });
  });

  it('include a file in place of the folder itself', () => {
    write('new', 'a file');
    const error = thrown(() => renderFrom(templates, 'plain', target, { variables, force: true }));
    expect(error).toMatchObject({
      code: 'files_in_the_way',
      message: `'${path.dirname(target)}' is not a folder`,
    });
  });
});

describe('a write that fails', () => {
  // Also root is stopped by this: at the end of the longest path Linux allows (4095 bytes) the last file's name still
  // fits, and the longer name of the temp file beside it does not.
  it.runIf(process.platform === 'linux')('takes back what this call made, and only that', () => {
    const deep = deepFolder(4060);
    fs.writeFileSync(path.join(deep, 'notes.txt'), 'mine');
    write('templates/deep/template.json', { name: 'deep', summary: '', description: '', next: [] });
    write('templates/deep/a', 'written first');
    write(`templates/deep/${'z'.repeat(20)}/b`, 'fails');
    const error = thrown(() => renderFrom(templates, 'deep', deep));
    expect(isMlopsError(error, 'bad_path')).toBe(true);
    expect(fs.readdirSync(deep)).toEqual(['notes.txt']);
  });

  function deepFolder(length: number): string {
    let folder = room;
    while (length - folder.length > 101) folder = path.join(folder, 'd'.repeat(99));
    if (length - folder.length > 1) folder = path.join(folder, 'd'.repeat(length - folder.length - 1));
    fs.mkdirSync(folder, { recursive: true });
    return folder;
  }
});

describe('the templates of this package', () => {
  it.each(['digits', 'minimal'])('%s can be rendered with the project name alone', (name) => {
    const { files } = renderTemplate(name, target, { variables: { project: 'crops' } });
    expect(files).toEqual(expect.arrayContaining(['.gitignore', '.dvcignore', 'README.md', 'dvc.yaml', 'params.yaml']));
    expect(read('README.md')).toMatch(/^# crops\n/);
    expect(listAll(target)).toEqual(files);
    for (const file of files) expect(path.basename(file)).not.toMatch(/^_|^(template|part)\.json$/);
  });

  it.each(['node', 'python'])('tabular in %s: the languages differ in programs, not in names', (lang) => {
    const { files } = renderTemplate('tabular', target, { variables: { project: 'My Crops!', lang } });
    const wanted = ['.env.example', '.github/workflows/ci.yml', '.gitlab-ci.yml', 'Dockerfile', 'compose.yaml'];
    expect(files).toEqual(expect.arrayContaining([...wanted, `src/train.${lang === 'node' ? 'mjs' : 'py'}`]));
    expect(read('compose.yaml')).toContain('name: my-crops\n');
    for (const file of files) {
      const text = read(file);
      if (!file.startsWith('deploy/grafana/')) expect(text.replaceAll('${{', ''), file).not.toMatch(/\{\{[#/]?\w+/);
    }
  });

  it('leave out what is not wanted', () => {
    const variables = { project: 'crops', ci: 'github', containers: 'no' };
    const { files } = renderTemplate('tabular', target, { variables });
    expect(files).toContain('.github/workflows/ci.yml');
    expect(files.filter((file) => /gitlab|Docker|compose|deploy\//.test(file))).toEqual([]);
    expect(() => renderTemplate('tabular', target, { variables: { project: 'c', lang: 'pyton' } })).toThrow(
      /no code in/,
    );
  });
});

describe('a template of conditions and layers', () => {
  const describeIt = (changes: object): void =>
    write('templates/mine/template.json', { name: 'mine', summary: '', description: '', next: [], ...changes });

  it('takes layers and lines whose condition holds, a later layer over an earlier', () => {
    describeIt({
      variables: { colour: 'red' },
      layers: [
        { from: 'a' },
        { from: 'b', to: 'sub', when: { colour: ['red', 'blue'] } },
        { from: 'c', when: { colour: 'green' } },
      ],
      templated: ['x.txt'],
    });
    write(
      'templates/mine/a/x.txt',
      'start\n# {{#if colour=blue|red}}\n{{colour}}\n# {{/if}}\n{{#if colour=green}}\nno\n{{/if}}\nend\n',
    );
    write('templates/mine/b/y.txt', '{{colour}}');
    write('templates/mine/c/x.txt', 'green');
    renderFrom(templates, 'mine', target);
    expect(read('x.txt')).toBe('start\nred\nend\n');
    expect(read('sub/y.txt')).toBe('{{colour}}');
    fs.rmSync(target, { recursive: true });
    renderFrom(templates, 'mine', target, { variables: { colour: 'green' } });
    expect(listAll(target)).toEqual(['x.txt']);
    expect(read('x.txt')).toBe('green');
  });

  it.each([
    ['a folder above', { layers: [{ from: '../plain' }] }],
    ['an absolute folder', { layers: [{ from: '/etc' }] }],
    ['a target above', { layers: [{ from: 'a', to: '../x' }] }],
    ['no folder', { layers: [{ from: 'nope' }] }],
    ['a link to a folder outside', { layers: [{ from: 'link' }] }],
    ['layers that are none', { layers: 'a' }],
    ['a condition that is none', { layers: [{ from: 'a', when: { x: 1 } }] }],
    ['private folders', { layers: [{ from: 'a', to: '.git' }] }],
  ])('is refused with %s', (_, changes) => {
    describeIt(changes);
    write('templates/mine/a/hooks/post-checkout', '');
    fs.symlinkSync(room, path.join(templates, 'mine', 'link'));
    expect(thrown(() => renderFrom(templates, 'mine', target))).toMatchObject({ code: 'bad_project_template' });
    expect(fs.existsSync(target)).toBe(false);
  });

  it('may be a folder anywhere, and keeps what is there when it is told to', () => {
    describeIt({ layers: [{ from: 'a' }] });
    write('templates/mine/a/x.txt', 'theirs');
    write('templates/mine/a/y.txt', 'theirs');
    write('new/project/x.txt', 'mine');
    const { kept } = renderTemplate(path.join(templates, 'mine'), target, { keep: true });
    expect(kept).toEqual(['x.txt']);
    expect([read('x.txt'), read('y.txt')]).toEqual(['mine', 'theirs']);
  });
});

function write(file: string, content: unknown): void {
  const full = path.join(room, file);
  fs.mkdirSync(path.dirname(full), { recursive: true });
  fs.writeFileSync(full, typeof content === 'string' ? content : JSON.stringify(content));
}

function inTarget(file: string): string {
  return path.join(target, file);
}

function read(file: string): string {
  return fs.readFileSync(path.join(target, file), 'utf8');
}

function listAll(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((item) => !item.isDirectory())
    .map((item) => path.relative(folder, path.join(item.parentPath, item.name)).split(path.sep).join('/'))
    .sort();
}

function thrown(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('expected an error');
}
