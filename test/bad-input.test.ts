import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

import { cleanEnv, command, freshProject, mlops, mlopsBin, startMlops, temporaryFolder } from './cli.ts';
import { until } from './support/until.ts';

/** What must never reach a user for a mistake of theirs. */
const stack = /\n\s+at .*\.(js|ts|mjs):\d+/;

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
}

function files(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => !file.startsWith('.git/') && !file.startsWith('.git'))
    .sort();
}

const twoStages = `stages:
  prepare:
    cmd: cp raw.txt data.txt
    deps: [raw.txt]
    outs: [data.txt]
  train:
    cmd: cp data.txt model.txt
    deps: [data.txt]
    outs: [model.txt]
`;

describe('a mistake', () => {
  it('in a command word or a flag is answered with the nearest one', () => {
    const folder = temporaryFolder();
    const word = mlops(folder, ['reproo']);
    expect(word.status).toBe(2);
    expect(word.stderr).toContain("there is no command 'reproo'");
    expect(word.stderr).toContain("did you mean 'repro'?");
    const flag = mlops(folder, ['repro', '--froce']);
    expect(flag.status).toBe(254);
    expect(flag.stderr).toContain("did you mean '--force'?");
    expect(word.stderr + flag.stderr).not.toMatch(stack);
  });

  it('in a stage name says so, with DVC’s exit status and the nearest stage', () => {
    const folder = freshProject();
    write(folder, { 'dvc.yaml': twoStages, 'raw.txt': 'x' });
    const result = mlops(folder, ['repro', 'trian']);
    expect(result.status).toBe(255);
    expect(result.stderr).toContain("Stage 'trian' not found inside 'dvc.yaml' file");
    expect(result.stderr).toContain("did you mean 'train'?");
    expect(result.stderr).not.toMatch(stack);
    expect(fs.existsSync(path.join(folder, 'dvc.lock'))).toBe(false);
  });

  it('in YAML is shown with file, line, column and the source', () => {
    const folder = freshProject();
    write(folder, { 'dvc.yaml': 'stages:\n  a:\n    cmd: [echo\n  b: {}\n' });
    const result = mlops(folder, ['repro']);
    expect(result.status).toBe(255);
    expect(result.stderr).toContain('dvc.yaml');
    expect(result.stderr).toMatch(/line \d+, column \d+/);
    expect(result.stderr).not.toMatch(stack);
  });

  it('in the schema of dvc.yaml is shown with its place', () => {
    const folder = freshProject();
    write(folder, { 'dvc.yaml': 'stages:\n  a:\n    cmd: echo\n    outz: [x]\n' });
    const result = mlops(folder, ['repro']);
    expect(result.status).toBe(255);
    expect(result.stderr).toContain("'./dvc.yaml' validation failed.");
    expect(result.stderr).toMatch(/extra keys not allowed, in stages -> a -> outz, line 4, column 11/);
  });
});

describe('a repro that cannot work', () => {
  it('names a dep that is missing, and runs nothing', () => {
    const folder = freshProject();
    write(folder, { 'dvc.yaml': twoStages });
    const result = mlops(folder, ['repro']);
    expect(result.status).toBe(255);
    expect(result.stderr).toContain('raw.txt');
    expect(result.stderr).not.toMatch(stack);
    expect(fs.existsSync(path.join(folder, 'data.txt'))).toBe(false);
  });

  it('names a program that is not there, as the shell does, and one that may not be run', () => {
    const folder = freshProject();
    write(folder, { 'dvc.yaml': twoStages.replace('cp raw.txt data.txt', 'no-such-program raw.txt'), 'raw.txt': 'x' });
    const unknown = mlops(folder, ['repro']);
    expect(unknown.status).toBe(255);
    expect(unknown.stderr).toMatch(/no-such-program: (command )?not found/);
    expect(unknown.stderr).toContain('exited with 127');
    write(folder, { 'dvc.yaml': twoStages.replace('cp raw.txt data.txt', './raw.txt') });
    const refused = mlops(folder, ['repro']);
    expect(refused.status).toBe(255);
    expect(refused.stderr).toContain('exited with 126');
    expect(fs.existsSync(path.join(folder, 'dvc.lock'))).toBe(false);
  });

  it('shows the last lines of a command that fails, with its exit status, and keeps the former outs', () => {
    const folder = freshProject();
    write(folder, { 'dvc.yaml': twoStages, 'raw.txt': 'good' });
    expect(mlops(folder, ['repro']).status).toBe(0);
    write(folder, {
      'dvc.yaml': twoStages.replace('cp raw.txt data.txt', 'echo half > data.txt; echo last words >&2; exit 3'),
    });
    const result = mlops(folder, ['repro']);
    expect(result.status).toBe(255);
    expect(result.stderr).toContain('last words');
    expect(result.stderr).toContain('exited with 3');
    expect(fs.readFileSync(path.join(folder, 'data.txt'), 'utf8')).toBe('good');
  });

  it('reports an output that the command did not make', () => {
    const folder = freshProject();
    write(folder, { 'dvc.yaml': 'stages:\n  a:\n    cmd: "true"\n    outs: [o.txt]\n' });
    const result = mlops(folder, ['repro']);
    expect(result.status).toBe(255);
    expect(result.stderr).toContain("output 'o.txt' does not exist");
  });

  it('shares the folder with a second one: both end well and every stage ran whole', async () => {
    const folder = freshProject();
    write(folder, {
      'dvc.yaml': twoStages.replace('cp raw.txt data.txt', 'sleep 1 && cp raw.txt data.txt'),
      'raw.txt': 'x',
    });
    const first = startMlops(folder, ['repro']);
    const second = startMlops(folder, ['repro']);
    const ends = await Promise.all([first.ended, second.ended]);
    for (const [i, end] of ends.entries()) {
      const { stderr } = [first, second][i]?.output ?? { stderr: '' };
      // Waiting for the other, or refusing with its reason, are both fine; a crash or a stack is not.
      if (end.status !== 0) expect(stderr).toMatch(/lock|is busy|running/i);
      expect(stderr).not.toMatch(stack);
    }
    expect(ends.some((end) => end.status === 0)).toBe(true);
    expect(mlops(folder, ['repro']).status).toBe(0);
    expect(mlops(folder, ['status']).stdout).toContain('Data and pipelines are up to date.');
    expect(fs.readFileSync(path.join(folder, 'model.txt'), 'utf8')).toBe('x');
  });
});

describe('Ctrl-C', () => {
  it('ends a repro with its whole process group, brings the outs back, and the next repro works', async () => {
    const folder = freshProject();
    write(folder, { 'dvc.yaml': twoStages, 'raw.txt': 'old' });
    expect(mlops(folder, ['repro']).status).toBe(0);
    const slow = 'echo $$ > pid; echo half > data.txt; sleep 60 & wait';
    write(folder, { 'dvc.yaml': twoStages.replace('cp raw.txt data.txt', slow) });
    const running = startMlops(folder, ['repro']);
    await until(
      () =>
        fs.existsSync(path.join(folder, 'pid')) && fs.readFileSync(path.join(folder, 'data.txt'), 'utf8') === 'half\n',
      'half an output',
      15_000,
    );
    running.child.kill('SIGINT');
    const end = await running.ended;
    expect(end.status).toBe(252);
    expect(running.output.stderr).not.toMatch(stack);
    expect(fs.readFileSync(path.join(folder, 'data.txt'), 'utf8')).toBe('old');
    const pid = Number(fs.readFileSync(path.join(folder, 'pid'), 'utf8'));
    const alive = spawnSync('ps', ['-o', 'stat=', '-g', String(pid)], { encoding: 'utf8' })
      .stdout.split('\n')
      .filter((line) => line !== '' && !line.startsWith('Z'));
    expect(alive).toEqual([]);
    write(folder, { 'dvc.yaml': twoStages });
    expect(mlops(folder, ['repro']).status).toBe(0);
  });

  it('ends an add of a large folder without a trace, and the next add works', async () => {
    const folder = freshProject();
    for (let i = 0; i < 3000; i++) write(folder, { [`data/${i % 50}/${i}`]: `${i}`.repeat(2000) });
    const running = startMlops(folder, ['add', 'data']);
    await until(
      () => running.child.exitCode !== null || fs.existsSync(path.join(folder, '.dvc/cache/files/md5')),
      'the first object',
      60_000,
    );
    running.child.kill('SIGINT');
    const end = await running.ended;
    // On a fast machine the add may have finished before the signal.
    expect([0, 252]).toContain(end.status);
    if (end.status === 252) expect(fs.existsSync(path.join(folder, 'data.dvc'))).toBe(false);
    expect(files(folder).filter((file) => file.endsWith('.tmp'))).toEqual([]);
    expect(mlops(folder, ['add', 'data']).status).toBe(0);
    expect(fs.readdirSync(path.join(folder, 'data', '7')).length).toBe(60);
  });

  it('ends a server cleanly', async () => {
    const folder = temporaryFolder();
    fs.copyFileSync(model(), path.join(folder, 'model.onnx'));
    const server = startMlops(folder, ['serve', 'model.onnx', '-p', '0']);
    await until(
      () => /http:\/\/127\.0\.0\.1:\d+/.test(server.output.stdout + server.output.stderr),
      'the address',
      15_000,
    );
    server.child.kill('SIGTERM');
    expect((await server.ended).status).toBe(0);
  });
});

describe('a place that cannot be used', () => {
  it('without Git is refused as DVC refuses it', () => {
    const folder = temporaryFolder();
    const result = mlops(folder, ['init']);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('failed to initiate DVC');
    expect(result.stderr).toContain('--no-scm');
    expect(files(folder)).toEqual([]);
  });

  it('that is no project is 253', () => {
    const result = mlops(temporaryFolder(), ['status']);
    expect(result.status).toBe(253);
    expect(result.stderr).toContain('you are not inside of a DVC repository');
  });

  it('without a remote says how to make one', () => {
    const folder = freshProject();
    write(folder, { 'a.txt': 'a' });
    expect(mlops(folder, ['add', 'a.txt']).status).toBe(0);
    const result = mlops(folder, ['push']);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('no remote specified');
    expect(result.stderr).toContain('remote add -d');
  });

  it.runIf(process.getuid?.() === 0)('that is read-only is named, and nothing half-written stays', () => {
    const folder = freshProject();
    write(folder, { 'a.txt': 'a' });
    const env = cleanEnv(path.join(path.dirname(folder), 'home'), {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
    });
    spawnSync('chmod', ['755', path.dirname(folder)]);
    // Root may write everywhere, so the command runs as nobody.
    const result = spawnSync(process.execPath, [mlopsBin, 'add', 'a.txt'], {
      cwd: folder,
      env,
      encoding: 'utf8',
      uid: 65534,
      gid: 65534,
    });
    expect(result.status).not.toBe(0);
    expect(result.stderr).toMatch(/EACCES|EPERM|permission/i);
    expect(result.stderr).toContain(folder);
    expect(result.stderr).not.toMatch(stack);
    expect(fs.existsSync(path.join(folder, 'a.txt.dvc'))).toBe(false);
    expect(fs.readFileSync(path.join(folder, 'a.txt'), 'utf8')).toBe('a');
  });

  it('with a port that is taken names it', async () => {
    const folder = temporaryFolder();
    fs.copyFileSync(model(), path.join(folder, 'model.onnx'));
    const taken = net.createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as net.AddressInfo;
    const result = mlops(folder, ['serve', 'model.onnx', '-p', String(port)]);
    taken.close();
    expect(result.status).toBe(1);
    expect(result.stderr).toContain(String(port));
    expect(result.stderr).toMatch(/hint/);
    expect(result.stderr).not.toMatch(stack);
  });
});

describe('a model file that is garbage', () => {
  it('is neither registered nor served, and is told from a missing one', () => {
    const folder = freshProject();
    write(folder, { 'model.onnx': 'this is not a protobuf' });
    const registered = mlops(folder, ['models', 'register', 'model.onnx', '--name', 'm']);
    expect(registered.status).toBe(1);
    expect(registered.stderr).toContain('model.onnx');
    expect(mlops(folder, ['models', 'list', '--json']).stdout).not.toContain('"m"');
    const served = mlops(folder, ['serve', 'model.onnx', '-p', '0'], { timeout: 20_000 });
    expect(served.status).toBe(1);
    expect(served.stderr).toContain('model.onnx');
    const missing = mlops(folder, ['serve', 'nothing.onnx', '-p', '0'], { timeout: 20_000 });
    expect(missing.status).toBe(1);
    expect(missing.stderr).toContain('nothing.onnx');
    for (const outcome of [registered, served, missing]) expect(outcome.stderr).not.toMatch(stack);
  });
});

/** The ONNX model that the digits template makes, trained once for all tests of this file. */
let trained: string | undefined;
function model(): string {
  if (trained !== undefined) return trained;
  const folder = fs.mkdtempSync(path.join(process.env['TMPDIR'] ?? '/tmp', 'mlops-model-'));
  process.once('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
  fs.cpSync(path.join(import.meta.dirname, '../templates/digits'), folder, { recursive: true });
  for (const stage of ['prepare', 'train', 'export']) {
    const result = command(folder, process.execPath, [`src/${stage}.mjs`]);
    if (result.status !== 0) throw new Error(result.stderr);
  }
  trained = path.join(folder, 'model.onnx');
  return trained;
}
