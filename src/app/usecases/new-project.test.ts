import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { runGit } from '../../git/index.ts';
import { createProject } from './new-project.ts';
import { updateProject } from './update-project.ts';

let room = '';
let template = '';
let project = '';

beforeEach(() => {
  room = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'new-project-')));
  template = path.join(room, 'template');
  project = path.join(room, 'project');
  describeTemplate({});
  write(template, 'a.txt', 'one\ntwo\nthree\nfour\nfive\n');
  write(template, 'b.txt', 'b\n');
});

afterEach(() => fs.rmSync(room, { recursive: true, force: true }));

describe('a project of a template of your own', () => {
  it('begins with branches main and dev, committed and clean, with its remote', async () => {
    const made = await createProject(project, { template: './template', cwd: room, remote: '../storage' });
    expect(made).toMatchObject({ branches: ['main', 'dev'], kept: [] });
    expect(git('status', '--porcelain')).toBe('');
    expect(git('branch', '--format', '%(refname:short)')).toBe('dev\nmain\n');
    expect(fs.readFileSync(path.join(project, '.dvc/config'), 'utf8')).toContain('[\'remote "storage"\']');
  });

  it('may come from a Git address, whose history stays there', async () => {
    runGit(template, ['init', '-q']);
    write(template, 'deep/template.json', description({ templated: ['x.txt'] }));
    write(template, 'deep/x.txt', '{{project}} {{word}}');
    runGit(template, ['add', '.']);
    runGit(template, ['-c', 'user.name=a', '-c', 'user.email=a@b.c', 'commit', '-qm', 'x']);
    const address = pathToFileURL(template).href;
    await createProject(project, { template: address });
    expect(read('b.txt')).toBe('b\n');
    const other = path.join(room, 'other');
    await createProject(other, { template: `${address}#deep`, values: { word: 'here' } });
    expect(fs.readFileSync(path.join(other, 'x.txt'), 'utf8')).toBe('other here');
    await expect(createProject(path.join(room, 'c'), { template: `${address}#../..` })).rejects.toMatchObject({
      code: 'bad_project_template',
    });
  });

  it('is merged into a repository without overwriting', async () => {
    runGit(room, ['init', '-q', project]);
    write(project, 'b.txt', 'mine\n');
    const made = await createProject(project, { template, into: true });
    expect(made).toMatchObject({ kept: ['b.txt'], gitCreated: false });
    expect([read('a.txt').length > 0, read('b.txt')]).toEqual([true, 'mine\n']);
    // A second time, now that it is a project.
    expect(await createProject(project, { template, into: true })).toMatchObject({ kept: ['b.txt'] });
  });

  it('is only told of in a dry run', async () => {
    const made = await createProject(project, { template, dryRun: true });
    expect(made.files).toEqual(['a.txt', 'b.txt']);
    expect(fs.existsSync(project)).toBe(false);
  });
});

describe('a newer template', () => {
  it('is merged: its changes, those of the project, and both in one file', async () => {
    await createProject(project, { template });
    write(project, 'a.txt', 'ONE\ntwo\nthree\nfour\nfive\n');
    write(template, 'a.txt', 'one\ntwo\nthree\nfour\nFIVE\n');
    write(template, 'c.txt', 'new\n');
    fs.rmSync(path.join(template, 'b.txt'));
    const changes = [
      { file: 'a.txt', what: 'merged' },
      { file: 'b.txt', what: 'removed' },
      { file: 'c.txt', what: 'added' },
    ];
    expect(await updateProject(project, { dryRun: true })).toEqual(changes);
    expect(read('a.txt')).toContain('five');
    expect(await updateProject(project)).toEqual(changes);
    expect(read('a.txt')).toBe('ONE\ntwo\nthree\nfour\nFIVE\n');
    expect(fs.existsSync(path.join(project, 'b.txt'))).toBe(false);
    expect(await updateProject(project)).toEqual([]);
  });

  it('leaves conflicts marked, and what the project threw away or changed', async () => {
    await createProject(project, { template });
    write(project, 'a.txt', 'mine\ntwo\nthree\nfour\nfive\n');
    fs.rmSync(path.join(project, 'b.txt'));
    write(template, 'a.txt', 'theirs\ntwo\nthree\nfour\nfive\n');
    write(template, 'b.txt', 'B\n');
    expect(await updateProject(project)).toEqual([
      { file: 'a.txt', what: 'conflict' },
      { file: 'b.txt', what: 'kept' },
    ]);
    expect(read('a.txt')).toBe('<<<<<<< yours\nmine\n=======\ntheirs\n>>>>>>> template\ntwo\nthree\nfour\nfive\n');
  });

  it('writes nothing through a link', async () => {
    await createProject(project, { template });
    write(room, 'outside.txt', 'b\n');
    fs.rmSync(path.join(project, 'b.txt'));
    fs.symlinkSync(path.join(room, 'outside.txt'), path.join(project, 'b.txt'));
    write(template, 'b.txt', 'changed\n');
    expect(await updateProject(project)).toEqual([{ file: 'b.txt', what: 'kept' }]);
    expect(fs.readFileSync(path.join(room, 'outside.txt'), 'utf8')).toBe('b\n');
  });

  it('is asked for in a project that was made of none', async () => {
    fs.mkdirSync(project);
    await expect(updateProject(project)).rejects.toMatchObject({ code: 'bad_project_template' });
  });
});

function describeTemplate(changes: object): void {
  write(template, 'template.json', description(changes));
}

function description(changes: object): string {
  return JSON.stringify({ name: 'mine', summary: '', description: '', next: [], ...changes });
}

function write(folder: string, file: string, content: string): void {
  fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  fs.writeFileSync(path.join(folder, file), content);
}

function read(file: string): string {
  return fs.readFileSync(path.join(project, file), 'utf8');
}

function git(...args: string[]): string {
  return runGit(project, args).stdout.toString();
}
