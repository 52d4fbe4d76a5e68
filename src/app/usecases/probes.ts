import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';

import { isMlopsError, isSystemError, messageOf } from '../../base/index.ts';
import type { Project } from '../../project/index.ts';
import { openStore, withoutSecrets } from '../../storage/index.ts';
import { remoteOf } from '../../repo/open/open-data-repo.ts';
import { openPlace, trackingPlace } from '../places/tracking-home.ts';
import { diagnose, openGently, type Check, type Diagnosis } from './doctor.ts';

/** Milliseconds that a remote or a server may take to answer. */
const patience = 5000;

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/**
 * Looks at the program, its environment and the project around a directory, and asks remotes and servers too.
 * Never throws for what it finds.
 */
export async function examine(cwd: string, version: string, around: Surroundings): Promise<Diagnosis> {
  const diagnosis = diagnose(cwd, version);
  const { project } = openGently(cwd);
  return { ...diagnosis, checks: [...diagnosis.checks, ...(await probe(project, { cwd, ...around }))] };
}

interface ProbeContext {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** What has to be asked for: remotes, the tracking store, programs, ports. Never throws for what it finds. */
async function probe(project: Project | undefined, context: ProbeContext): Promise<Check[]> {
  const remotes = project?.config.remoteNames ?? [];
  const checks = await Promise.all([
    ...remotes.map((name) => probeRemote(project as Project, name, context.signal)),
    probeTracking(context),
    probePython(context.env),
    probePort(5000, 'mlops server'),
    probePort(5001, 'mlops serve'),
    probeTemporary(),
  ]);
  return checks;
}

/** Looks for one object, which tells whether the address, the bucket and the credentials are right. */
async function probeRemote(project: Project, name: string, signal: AbortSignal): Promise<Check> {
  const check = `remote ${name}`;
  let shown = name;
  try {
    const { url = '', options = {} } = remoteOf(project.config, name) ?? {};
    shown = withoutSecrets(url);
    const store = await openStore(url, options);
    try {
      if (store.directory !== undefined) return probeFolder(check, store.directory);
      await inTime(signal, (bounded) => firstObject(store, bounded));
    } finally {
      await store.close();
    }
    return { name: check, ok: true, found: `${shown} answers` };
  } catch (error) {
    signal.throwIfAborted();
    const late = error instanceof Error && error.name === 'TimeoutError';
    const found = late ? `does not answer within ${patience / 1000} s` : messageOf(error);
    const hint = (isMlopsError(error) ? error.hint : undefined) ?? 'look at its options: mlops remote list';
    return { name: check, ok: false, found: `${shown}: ${found}`, hint };
  }
}

/** A listing asks for the bucket as well, which a look at one key does not; web servers have none. */
async function firstObject(store: Awaited<ReturnType<typeof openStore>>, signal: AbortSignal): Promise<void> {
  const key = 'files/md5/00/00000000000000000000000000000000';
  if (store.kind === 'http') return void (await store.exists(key, { signal }));
  for await (const _ of store.list(path.posix.dirname(key) + '/', { signal })) return;
}

function probeFolder(name: string, folder: string): Check {
  if (!fs.existsSync(folder)) return { name, ok: true, found: `${folder} (made at the first push)` };
  try {
    fs.accessSync(folder, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
    return { name, ok: true, found: folder };
  } catch {
    const hint = `check the owner and permissions of '${folder}'`;
    return { name, ok: false, found: `${folder} cannot be written`, hint };
  }
}

async function probeTracking({ cwd, env, signal }: ProbeContext): Promise<Check> {
  const name = 'tracking';
  let shown = 'the store';
  try {
    const place = trackingPlace(cwd, env);
    shown = withoutSecrets(place.uri);
    await inTime(signal, async (bounded) => {
      const store = await openPlace(place, { create: false, signal: bounded });
      try {
        await store.searchExperiments({ view: 'ACTIVE_ONLY', maxResults: 1 });
      } finally {
        await store.close();
      }
    });
    return { name, ok: true, found: place.given ? `${shown} (MLFLOW_TRACKING_URI)` : shown };
  } catch (error) {
    signal.throwIfAborted();
    if (isMlopsError(error, 'not_a_project')) return { name, ok: true, found: 'nothing recorded yet' };
    const late = error instanceof Error && error.name === 'TimeoutError';
    const found = late ? `does not answer within ${patience / 1000} s` : messageOf(error);
    const hint = (isMlopsError(error) ? error.hint : undefined) ?? 'check MLFLOW_TRACKING_URI';
    return { name, ok: false, found: `${shown}: ${found}`, hint };
  }
}

/** Bounds work that may not look at its signal. */
async function inTime<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
  const late = new Promise<never>((_, reject) => {
    bounded.addEventListener('abort', () => reject(bounded.reason as Error), { once: true });
  });
  return Promise.race([work(bounded), late]);
}

/** Nothing of ours needs it; stages and clients in Python do. */
async function probePython(env: ProbeContext['env']): Promise<Check> {
  for (const program of ['python3', 'python']) {
    const said = await saidBy(program, ['-c', 'import sys; print(sys.version.split()[0], sys.executable)'], env);
    if (said !== undefined) return { name: 'Python', ok: true, found: said.trim() };
  }
  return { name: 'Python', ok: true, found: 'not found (only stages and clients in Python need it)' };
}

function saidBy(program: string, args: readonly string[], env: ProbeContext['env']): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(program, args, { env, timeout: patience }, (error, stdout) =>
      resolve(error === null ? stdout : undefined),
    );
  });
}

/** A taken port is no fault: it may be our own server that is there. */
function probePort(port: number, verb: string): Promise<Check> {
  const name = `port ${port}`;
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', (error) => {
      const taken = isSystemError(error, 'EADDRINUSE');
      const found = taken ? `taken; \`${verb} -p 0\` picks another` : messageOf(error);
      resolve({ name, ok: true, found });
    });
    server.listen(port, '127.0.0.1', () => server.close(() => resolve({ name, ok: true, found: `free (${verb})` })));
  });
}

async function probeTemporary(): Promise<Check> {
  const name = 'temporary files';
  const folder = os.tmpdir();
  try {
    fs.rmdirSync(fs.mkdtempSync(path.join(folder, 'mlops-doctor-')));
    return { name, ok: true, found: folder };
  } catch (error) {
    return { name, ok: false, found: `${folder}: ${messageOf(error)}`, hint: 'name another folder in TMPDIR' };
  }
}
