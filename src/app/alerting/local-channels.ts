import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError, writeFileAtomic } from '../../base/index.ts';
import { shellArgv } from '../../execute/index.ts';
import type { Channel, ChannelPlaces } from './channel.ts';

/** A shell line in the project, the notice as JSON on its stdin; another status than 0 is a failure. */
export function commandChannel(
  { name, command }: { readonly name: string; readonly command: string },
  { root, env }: ChannelPlaces,
): Channel {
  return {
    name,
    grouped: false,
    async send(notices, signal) {
      for (const notice of notices) await runWith(command, `${JSON.stringify(notice)}\n`, { root, env }, signal);
    },
  };
}

function runWith(line: string, input: string, { root, env }: ChannelPlaces, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const [program, ...args] = shellArgv(line, env);
    // A group of its own, so that what the line started ends with it.
    const child = spawn(program, args, { cwd: root, env, stdio: ['pipe', 'ignore', 'pipe'], detached: true });
    let said = '';
    const stop = (): void => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended already.
      }
    };
    signal.addEventListener('abort', stop, { once: true });
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-500)));
    child.on('error', reject);
    child.on('exit', (code, by) => {
      signal.removeEventListener('abort', stop);
      child.stderr.destroy();
      if (code === 0) resolve();
      else {
        const how = signal.aborted ? 'took too long' : `ended with ${code ?? by}`;
        reject(new MlopsError('delivery_failed', `the command ${how}${said.trim() === '' ? '' : `: ${said.trim()}`}`));
      }
    });
    // A command need not read what it is told.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** A file per alert in a folder, which Git ignores where it was made for this. */
export function fileChannel(
  settings: { readonly name: string; readonly path: string },
  { root }: ChannelPlaces,
): Channel {
  return {
    name: settings.name,
    grouped: false,
    send(notices) {
      const folder = path.resolve(root, settings.path);
      const made = fs.mkdirSync(folder, { recursive: true });
      if (made !== undefined) fs.writeFileSync(path.join(made, '.gitignore'), '*\n');
      for (const notice of notices) {
        const file = path.join(folder, `${notice.id}.json`);
        writeFileAtomic(file, `${JSON.stringify(notice, undefined, 2)}\n`, { durable: true });
      }
      return Promise.resolve();
    },
  };
}
