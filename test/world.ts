/** Makes a project of a template as a person would, in a folder of its own, and types what it says. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';

import { expect } from 'vitest';

import { listTemplates } from '../src/scaffold/index.ts';

const program = path.resolve(import.meta.dirname, '..', 'bin', 'mlops.js');

export interface World {
  readonly folder: string;
  /** With `mlops` on the PATH, and the Python that was named. */
  readonly env: NodeJS.ProcessEnv;
}

export interface Said {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `python` is a Python with the packages of the world; undefined for worlds in JavaScript. */
export async function makeWorld(room: string, template: string, lang: string, python?: string): Promise<World> {
  const bin = path.join(room, 'bin');
  fs.mkdirSync(bin, { recursive: true });
  fs.writeFileSync(path.join(bin, 'mlops'), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`, {
    mode: 0o755,
  });
  const folders = [bin, ...(python === undefined ? [] : [path.dirname(python)]), process.env['PATH']];
  const env = {
    ...process.env,
    PATH: folders.join(path.delimiter),
    HOME: room,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Someone',
    GIT_AUTHOR_EMAIL: 'someone@example.com',
    GIT_COMMITTER_NAME: 'Someone',
    GIT_COMMITTER_EMAIL: 'someone@example.com',
  };
  fs.writeFileSync(path.join(room, '.gitconfig'), '[user]\n\tname = Someone\n\temail = someone@example.com\n');
  const folder = path.join(room, `${template}-${lang}`);
  const world = { folder, env };
  const made = await type({ folder: room, env }, `mlops init '${folder}' --template ${template} --lang ${lang} --yes`);
  expect(made, made.stderr).toMatchObject({ status: 0 });
  return world;
}

/** Runs a shell line in the project. */
export async function type({ folder, env }: World, line: string): Promise<Said> {
  try {
    const { stdout, stderr } = await promisify(execFile)('sh', ['-c', line], { cwd: folder, env, maxBuffer: 1 << 26 });
    return { status: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status: code, stdout, stderr };
  }
}

/** What `init --list --json` says to type, before the line that serves, and that line. */
export function nextOf(template: string): { readonly before: readonly string[]; readonly serve: string } {
  const { next } = listTemplates().find(({ name }) => name === template) ?? { next: [] };
  const serve = next.at(-1) ?? '';
  expect(serve).toMatch(/^mlops serve /);
  return { before: next.slice(0, -1), serve };
}

/** Starts a line that serves, on a free port, for as long as `use` takes. */
export async function serving<T>(world: World, line: string, use: (url: string) => Promise<T>): Promise<T> {
  const server = spawn('sh', ['-c', `exec ${line} --port 0`], {
    cwd: world.folder,
    env: world.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    return await use(await addressOf(server));
  } finally {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGTERM');
    await ended;
  }
}

/** Sends each example of /predict that the server's own description has; the answers by model. */
export async function askExamples(url: string): Promise<Record<string, unknown>> {
  const description = (await (await fetch(`${url}/openapi.json`)).json()) as {
    paths: Record<string, { post: { requestBody: { content: Record<string, { examples: Examples }> } } }>;
  };
  const examples = description.paths['/predict']?.post.requestBody.content['application/json']?.examples ?? {};
  expect(Object.keys(examples).length).toBeGreaterThan(0);
  const answers: Record<string, unknown> = {};
  for (const [name, { value }] of Object.entries(examples)) {
    const { status, body } = await predict(url, value);
    expect(status, JSON.stringify(body)).toBe(200);
    answers[name] = body;
  }
  return answers;
}

type Examples = Record<string, { value: unknown }>;

export async function predict(url: string, body: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${url}/predict`, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

function addressOf(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    server.on('exit', () => reject(new Error(`the server did not start: ${said}`)));
    server.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const found = /http:\/\/[\w.:]+:\d+/.exec(said);
      if (found !== null) resolve(found[0]);
    });
  });
}
