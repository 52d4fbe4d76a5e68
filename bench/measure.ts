import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

/** The repository under test. */
export const root: string = process.env['MLOPS_ROOT'] ?? process.cwd();
export const mlopsCommand: readonly string[] = [process.execPath, path.join(root, 'bin/mlops.js')];

export interface Contestant {
  readonly name: string;
  /** Not timed: makes the state that every run starts from. */
  readonly prepare?: () => void;
  /** Timed. */
  readonly run: () => void;
}

export interface Timing {
  readonly name: string;
  /** Milliseconds of each counted run. */
  readonly times: readonly number[];
  readonly median: number;
}

/**
 * Runs contestants in turn (A B C A B C ...), so that a machine whose speed drifts treats them alike, and
 * returns the median of each. The first round is a warm-up and does not count.
 */
export function race(contestants: readonly Contestant[], rounds = 5): Timing[] {
  const times = contestants.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    contestants.forEach((contestant, i) => {
      contestant.prepare?.();
      const start = process.hrtime.bigint();
      contestant.run();
      if (round > 0) times[i]?.push(Number(process.hrtime.bigint() - start) / 1e6);
    });
  }
  return contestants.map(({ name }, i) => ({ name, times: times[i] ?? [], median: median(times[i] ?? []) }));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** Runs a program to its end and throws when it fails: a benchmark of failures measures nothing. */
export function sh(
  argv: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; okay?: readonly number[] } = {},
): string {
  const [program = '', ...args] = argv;
  const result = spawnSync(program, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (result.error !== undefined) throw result.error;
  if (!(options.okay ?? [0]).includes(result.status ?? -1))
    throw new Error(`${argv.join(' ')} exited with ${result.status}: ${result.stderr.slice(-2000)}`);
  return result.stdout;
}

/** What a program took. */
export interface Usage {
  readonly seconds: number;
  /** Seconds of the processor, user and system. */
  readonly processor: number;
  /** Megabytes. */
  readonly peak: number;
}

/** Runs mlops to its end. The process itself tells its peak: its threads share its memory. */
export function mlopsUsage(words: readonly string[], cwd?: string): Usage {
  const folder = scratch('usage');
  const report = path.join(folder, 'usage.json');
  const hook = path.join(folder, 'usage.cjs');
  fs.writeFileSync(
    hook,
    `if (require('worker_threads').isMainThread) process.on('exit', () => require('fs').writeFileSync(${JSON.stringify(report)}, JSON.stringify(process.resourceUsage())));`,
  );
  const [node = '', ...command] = mlopsCommand;
  const started = performance.now();
  sh([node, '--require', hook, ...command, ...words], { ...(cwd === undefined ? {} : { cwd }) });
  const seconds = (performance.now() - started) / 1000;
  const usage = JSON.parse(fs.readFileSync(report, 'utf8')) as NodeJS.ResourceUsage;
  return { seconds, processor: (usage.userCPUTime + usage.systemCPUTime) / 1e6, peak: usage.maxRSS / 1024 };
}

/** The same of a script below `bench`, whose last line names the three; it leaves its imports out of the seconds. */
export function pythonUsage(python: string, script: string, ...args: readonly string[]): Usage {
  const line = sh([python, path.join(root, 'bench', script), ...args])
    .trim()
    .split('\n')
    .at(-1);
  const [seconds = 0, processor = 0, peak = 0] = (line ?? '').split(' ').map(Number);
  return { seconds, processor, peak };
}

/** A folder on tmpfs where there is one (the disk's noise is not what is compared), else in the temp folder. */
export function scratch(name: string, where: 'memory' | 'disk' = 'memory'): string {
  const base = where === 'memory' && fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();
  const folder = fs.mkdtempSync(path.join(base, `mlops-bench-${name}-`));
  process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The interop tool's program, or undefined where it is not installed. */
export function rival(file: string): string | undefined {
  const found = path.join(root, '.tools', file);
  return fs.existsSync(found) ? found : undefined;
}

interface Table {
  readonly title: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const tables: Table[] = [];

/** Keeps a table in the JSON file of this run, when `npm run bench` named one. */
export function keepTable(title: string, header: readonly string[], rows: readonly (readonly string[])[]): void {
  const file = process.env['MLOPS_BENCH_JSON'];
  if (file === undefined) return;
  tables.push({ title, header, rows });
  const at = new Date().toISOString();
  fs.writeFileSync(file, `${JSON.stringify({ at, machine: machine(), tables }, undefined, 2)}\n`);
}

/** A Markdown table on stdout, the form that docs/performance.md keeps, and the same as JSON. */
export function printTable(title: string, header: readonly string[], rows: readonly (readonly string[])[]): void {
  keepTable(title, header, rows);
  const lines = [
    `\n### ${title}\n`,
    `| ${header.join(' | ')} |`,
    `|${header.map(() => '---').join('|')}|`,
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ];
  console.log(lines.join('\n'));
}

export function milliseconds(value: number): string {
  return value < 10
    ? `${value.toFixed(2)} ms`
    : value < 10_000
      ? `${Math.round(value)} ms`
      : `${(value / 1000).toFixed(1)} s`;
}

export function machine(): string {
  return `${os.cpus().length} cores (${os.cpus()[0]?.model.trim() ?? 'unknown'}), Node ${process.version}, ${os.type()} ${os.release()}`;
}
