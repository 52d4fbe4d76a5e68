import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { gunzipSync } from 'node:zlib';

import { formatDuration, MlopsError } from '../../base/index.ts';

/** What the demo tells while it goes on; the command line shows it. */
export type DemoEvent =
  | { readonly kind: 'chapter'; readonly title: string }
  | { readonly kind: 'command'; readonly line: string }
  | { readonly kind: 'output'; readonly text: string }
  | { readonly kind: 'digits'; readonly answers: readonly DemoAnswer[] };

export interface DemoAnswer {
  /** 64 values 0..16, row by row. */
  readonly pixels: readonly number[];
  readonly label: number;
  readonly answer: number;
  readonly probability: number;
}

export interface DemoOptions {
  /** How to start this very program: `[node, bin/mlops.js]`. */
  readonly program: readonly [string, ...string[]];
  /** Where to put the project; a temporary folder otherwise. */
  readonly folder?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly onEvent: (event: DemoEvent) => void;
}

export interface DemoResult {
  readonly project: string;
  readonly seconds: number;
  readonly right: number;
  readonly asked: number;
}

/**
 * The main job from an empty folder to a served prediction, by the commands a person would type, each a
 * process of its own: scaffold, version data, run the pipeline, push, record, register, promote, serve, ask.
 *
 * @throws MlopsError `command_failed` when a step fails, with the step in the message.
 */
export async function demo(options: DemoOptions): Promise<DemoResult> {
  const startedAt = Date.now();
  const base = options.folder ?? fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-demo-'));
  fs.mkdirSync(base, { recursive: true });
  const project = path.join(fs.realpathSync(base), 'digits');
  if (fs.existsSync(project))
    throw new MlopsError('files_in_the_way', `'${project}' exists already`, { hint: 'name another folder' });
  const { onEvent } = options;
  const say = (title: string): void => onEvent({ kind: 'chapter', title });
  const inProject = (...args: string[]): Promise<void> => runStep(options, project, args);

  say('A project from a template, under Git');
  await runStep(options, path.dirname(project), ['init', 'digits', '--template', 'digits']);
  say('1,797 handwritten digits, under version control');
  await inProject('add', 'data/digits.csv.gz');
  say('Prepare, train, evaluate, export: the pipeline, recorded as a run');
  await inProject('repro');
  await inProject('metrics', 'show');
  say('Only what changed runs again');
  setParameter(project, 'epochs', '30', onEvent);
  await inProject('repro', '--quiet');
  await inProject('runs', 'compare');
  say('Data and models go to a remote, and come back from it');
  await inProject('remote', 'add', '--default', 'storage', '../storage');
  await inProject('push');
  removeData(project, onEvent);
  await inProject('pull');
  say('A model with a name, a version and a stage');
  await inProject('models', 'register', 'model.onnx', '--name', 'digits');
  await inProject('models', 'promote', 'digits', '1', '--stage', 'Production');
  say('The model, served');
  const answers = await serveAndAsk(options, project);
  onEvent({ kind: 'digits', answers });
  say('What comes in later is not what it was trained on: a scanner that is off by a pixel');
  shiftDigits(project, onEvent);
  const drift = ['monitor', 'drift', '--reference', 'trained-on.csv', '--current', 'scanned.csv'];
  await runStep(options, project, [...drift, '--columns', shownColumns], 1);
  const right = answers.filter((answer) => answer.answer === answer.label).length;
  return { project, seconds: (Date.now() - startedAt) / 1000, right, asked: answers.length };
}

/** @param expected the exit status that says what the demo shows. */
async function runStep(options: DemoOptions, cwd: string, args: readonly string[], expected = 0): Promise<void> {
  options.onEvent({ kind: 'command', line: `mlops ${args.join(' ')}` });
  const { execa } = await import('execa');
  const [program, ...first] = options.program;
  const child = execa(program, [...first, ...args], {
    cwd,
    env: { ...options.env },
    extendEnv: false,
    all: true,
    stdin: 'ignore',
    reject: false,
    cancelSignal: options.signal,
    gracefulCancel: false,
  });
  child.all.on('data', (chunk: Buffer) => options.onEvent({ kind: 'output', text: chunk.toString() }));
  const result = await child;
  if (result.isCanceled) throw options.signal.reason;
  if (result.exitCode !== expected) {
    throw new MlopsError(
      'command_failed',
      `the demo stopped: \`mlops ${args.join(' ')}\` exited with ${result.exitCode ?? result.signal}`,
      {
        hint: `look at it yourself: cd ${cwd}`,
      },
    );
  }
}

/** Edits `params.yaml` as a person would, and shows it as the shell command that does the same. */
function setParameter(project: string, key: string, value: string, onEvent: DemoOptions['onEvent']): void {
  onEvent({ kind: 'command', line: `sed -i 's/${key}: .*/${key}: ${value}/' params.yaml` });
  const file = path.join(project, 'params.yaml');
  fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(new RegExp(`${key}: .*`), `${key}: ${value}`));
}

/** Pixels in the middle, which is enough to see it by. */
const shownColumns = ['p10', 'p11', 'p12', 'p13', 'p34', 'p35', 'p36', 'p37'].join(',');

/** Writes the digits with a header, and as a scanner would see them that is one pixel off. */
function shiftDigits(project: string, onEvent: DemoOptions['onEvent']): void {
  onEvent({ kind: 'command', line: 'scan digits/*.png > scanned.csv' });
  const text = gunzipSync(fs.readFileSync(path.join(project, 'data/digits.csv.gz'))).toString('utf8');
  const pictures = text
    .trimEnd()
    .split('\n')
    .map((row) => row.split(',').slice(0, 64));
  const header = Array.from({ length: 64 }, (_, pixel) => `p${pixel}`);
  const write = (name: string, rows: readonly (readonly string[])[]): void =>
    fs.writeFileSync(path.join(project, name), `${[header, ...rows].map((row) => row.join(',')).join('\n')}\n`);
  write('trained-on.csv', pictures);
  write(
    'scanned.csv',
    pictures.map((pixels) => pixels.map((_, i) => (i % 8 === 0 ? '0' : (pixels[i - 1] ?? '0')))),
  );
}

/** What a colleague who has just cloned the repository does not have yet. */
function removeData(project: string, onEvent: DemoOptions['onEvent']): void {
  const gone = ['.dvc/cache', 'data/digits.csv.gz', 'data/prepared', 'data/holdout.json', 'weights.json', 'model.onnx'];
  onEvent({ kind: 'command', line: `rm -r ${gone.join(' ')}` });
  for (const file of gone) fs.rmSync(path.join(project, file), { recursive: true });
}

interface Holdout {
  readonly pixels: readonly number[];
  readonly label: number;
}

async function serveAndAsk(options: DemoOptions, project: string): Promise<DemoAnswer[]> {
  const { execa } = await import('execa');
  options.onEvent({ kind: 'command', line: 'mlops serve models:/digits/Production -p 5001 &' });
  const [program, ...first] = options.program;
  const child = execa(program, [...first, 'serve', 'models:/digits/Production', '-p', '0'], {
    cwd: project,
    env: { ...options.env },
    extendEnv: false,
    all: true,
    stdin: 'ignore',
    reject: false,
    cancelSignal: options.signal,
  });
  try {
    const url = await waitForUrl(child.all, child, options);
    options.onEvent({
      kind: 'command',
      line: `curl -s localhost:5001/predict -H 'content-type: application/json' -d '{"inputs": {"pixels": [[0, 0, 5, 13, ...]]}}'`,
    });
    const holdout = JSON.parse(fs.readFileSync(path.join(project, 'data/holdout.json'), 'utf8')) as Holdout[];
    return await ask(url, holdout, options);
  } finally {
    child.kill('SIGTERM');
    await child;
  }
}

/** Reads the server's own words until they name its address, which `-p 0` leaves to the system. */
async function waitForUrl(
  output: AsyncIterable<unknown>,
  ended: Promise<unknown>,
  options: DemoOptions,
): Promise<string> {
  const found = (async (): Promise<string> => {
    let seen = '';
    for await (const chunk of output) {
      const text = String(chunk);
      seen += text;
      const url = /http:\/\/[\w.:[\]-]+:\d+/.exec(seen)?.[0];
      options.onEvent({ kind: 'output', text: text.replace(/:\d{4,5}\b/g, ':5001') });
      if (url !== undefined) return url;
    }
    throw new MlopsError('command_failed', 'the demo stopped: `mlops serve` ended before it was ready', {
      hint: seen.trim(),
    });
  })();
  return Promise.race([found, ended.then(() => found)]);
}

async function ask(url: string, holdout: readonly Holdout[], options: DemoOptions): Promise<DemoAnswer[]> {
  const response = await fetch(`${url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: { pixels: holdout.map((digit) => digit.pixels) } }),
    signal: options.signal,
  });
  const body = (await response.json()) as { outputs: { label: number[]; probabilities: number[][] } };
  if (!response.ok)
    throw new MlopsError(
      'command_failed',
      `the demo stopped: /predict answered ${response.status}: ${JSON.stringify(body)}`,
    );
  return holdout.map((digit, i) => {
    const answer = body.outputs.label[i] ?? -1;
    return { ...digit, answer, probability: body.outputs.probabilities[i]?.[answer] ?? 0 };
  });
}

/** The pictures side by side in half blocks, four rows of text for eight of pixels, with the answers below. */
export function drawDigits(answers: readonly DemoAnswer[]): string[] {
  const shades = ' .:-=+*#%@';
  const shade = (value: number): string => shades[Math.round((value / 16) * (shades.length - 1))] ?? ' ';
  const rows = Array.from({ length: 8 }, (_, row) =>
    answers
      .map(({ pixels }) => Array.from({ length: 8 }, (_, column) => shade(pixels[row * 8 + column] ?? 0)).join(''))
      .join('    '),
  );
  const said = answers
    .map((answer) => `${answer.answer} (${(answer.probability * 100).toFixed(0)}%)`.padEnd(12))
    .join('');
  const truth = answers.map((answer) => `is ${answer.label}`.padEnd(12)).join('');
  return [...rows, '', said.trimEnd(), truth.trimEnd()];
}

export function describeDemo(result: DemoResult): string {
  return `${result.right} of ${result.asked} held-out digits recognised. The whole way took ${formatDuration(result.seconds * 1000)}.`;
}
