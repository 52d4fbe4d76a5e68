import { PassThrough, Writable } from 'node:stream';

import { main } from '../../src/cli/entry/main.ts';

export interface Said {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line inside this process, as `main` does for a pipe: no terminal, no colour. */
export async function commandLine(
  cwd: string,
  words: readonly string[],
  options: { readonly asDvc?: boolean; readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Said> {
  const [stdout, stderr] = [new Kept(), new Kept()];
  const stdin = new PassThrough();
  stdin.end(options.input ?? '');
  const { PATH, HOME } = process.env;
  const status = await main(words, {
    stdin,
    stdout,
    stderr,
    cwd,
    env: { PATH, HOME, ...options.env },
    signal: new AbortController().signal,
    asDvc: options.asDvc === true,
  });
  return { status, stdout: stdout.text, stderr: stderr.text };
}

class Kept extends Writable {
  text = '';

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.text += Buffer.from(chunk).toString('utf8');
    done();
  }
}
