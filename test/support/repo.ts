import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { onTestFinished } from 'vitest';

import type { DataRepo } from '../../src/repo/open/data-repo.ts';
import { openDataRepo } from '../../src/repo/open/open-data-repo.ts';
import { initProject } from '../../src/repo/setup/init.ts';

/** A project in a temp folder, with Git and `init` done, open until the test ends. */
export async function openProjectWith(files: Readonly<Record<string, string>> = {}): Promise<DataRepo> {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-project-')));
  onTestFinished(() => fs.rmSync(root, { recursive: true, force: true }));
  git(root, 'init', '--quiet', '--initial-branch', 'main');
  initProject(root);
  const repo = await openDataRepo(root, { env: process.env, commandLine: 'a test' });
  onTestFinished(() => repo.close());
  for (const [file, text] of Object.entries(files)) write(repo, file, text);
  return repo;
}

/** Writes a file of the project, as its user would with an editor. */
export function write(repo: DataRepo, file: string, text: string): void {
  const target = path.join(repo.root, file);
  fs.mkdirSync(path.dirname(target), { recursive: true });
  fs.writeFileSync(target, text);
  repo.forget();
}

export function read(repo: DataRepo, file: string): string {
  return fs.readFileSync(path.join(repo.root, file), 'utf8');
}

export function exists(repo: DataRepo, file: string): boolean {
  return fs.existsSync(path.join(repo.root, file));
}

/** Deletes files or folders of the project. */
export function drop(repo: DataRepo, ...files: readonly string[]): void {
  for (const file of files) fs.rmSync(path.join(repo.root, file), { recursive: true });
}

/** Adds a folder beside the project as its default remote, with more options, and opens the project again. */
export async function withRemote(repo: DataRepo, options: Readonly<Record<string, string>> = {}): Promise<DataRepo> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-remote-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  fs.appendFileSync(
    path.join(repo.root, '.dvc/config'),
    `[core]\n    remote = far\n['remote "far"']\n    url = ${folder}\n${Object.entries(options)
      .map(([name, value]) => `    ${name} = ${value}\n`)
      .join('')}`,
  );
  repo.close();
  const again = await openDataRepo(repo.root);
  onTestFinished(() => again.close());
  return again;
}

/** Commits everything. */
export function commitAll(repo: DataRepo, message = 'state'): void {
  git(repo.root, 'add', '--all');
  git(repo.root, 'commit', '--quiet', '--message', message);
}

function git(cwd: string, ...args: readonly string[]): void {
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@b'];
  const result = spawnSync('git', [...identity, ...args], { cwd, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`git ${args.join(' ')}: ${result.stderr}`);
}
