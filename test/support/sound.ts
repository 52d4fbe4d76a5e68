/** What data tests ask about folders: which contents they hold, whether every object is what its name says. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect } from 'vitest';

export function md5(content: Uint8Array | string): string {
  return createHash('md5').update(content).digest('hex');
}

/** Where a file's object is, below `files/md5`. */
export function objectOf(file: string): string {
  const digest = md5(fs.readFileSync(file));
  return `${digest.slice(0, 2)}/${digest.slice(2)}`;
}

/** Fills a folder with small files in a few folders and, if asked for, a large one; gives back their digests. */
export function fill(folder: string, count: number, largeMebibytes = 0): Map<string, string> {
  const digests = new Map<string, string>();
  const write = (name: string, content: Uint8Array): void => {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
    digests.set(name, md5(content));
  };
  for (let i = 0; i < count; i++) {
    write(`d${i % 7}/f${i}`, Buffer.alloc(500 + ((i * 7919) % 9000), `content ${i} `));
  }
  if (largeMebibytes > 0) write('large', Buffer.alloc(largeMebibytes << 20, 'large'));
  return digests;
}

export function digestsOf(folder: string): Map<string, string> {
  const digests = new Map<string, string>();
  for (const name of fs.readdirSync(folder, { recursive: true }) as string[]) {
    const file = path.join(folder, name);
    if (fs.statSync(file).isFile()) digests.set(name, md5(fs.readFileSync(file)));
  }
  return digests;
}

/** Every object below a cache or remote must have the content that its name promises. */
export function expectSound(folder: string): void {
  if (!fs.existsSync(folder)) return;
  for (const name of fs.readdirSync(folder, { recursive: true }) as string[]) {
    const match = /(?:^|\/)([0-9a-f]{2})\/([0-9a-f]{30})(\.dir)?$/.exec(name);
    if (match !== null) expect(md5(fs.readFileSync(path.join(folder, name))), name).toBe(`${match[1]}${match[2]}`);
  }
}

/** Names of files that were to be moved elsewhere and stayed: none may, after a command that could end by itself. */
export function leftovers(folder: string): string[] {
  if (!fs.existsSync(folder)) return [];
  const names = fs.readdirSync(folder, { recursive: true }) as string[];
  return names.filter((name) => /(^|\/)\.[\w-]{20,}\.tmp$/.test(name));
}
