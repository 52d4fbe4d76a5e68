import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

import { freshProject, mlops, mlopsBin, startMlops, urlOf } from './cli.ts';
import { linearModel } from './support/onnx.ts';

function project(): string {
  const folder = freshProject();
  fs.writeFileSync(path.join(folder, 'model.onnx'), linearModel(2, 1));
  fs.writeFileSync(path.join(folder, 'weights.pt'), 'weights');
  return folder;
}

function ok(folder: string, ...args: string[]): string {
  const { status, stdout, stderr } = mlops(folder, args);
  expect(stderr).not.toMatch(/ERROR|at .*\.js:\d/);
  expect(status, stderr).toBe(0);
  return stdout;
}

describe('models', () => {
  it('are registered, promoted, compared, downloaded and deleted, with a trail', () => {
    const folder = project();
    expect(ok(folder, 'models', 'register', 'model.onnx', '--name', 'digits', '--metric', 'accuracy=0.95')).toMatch(
      /Registered digits version 1\n[^]*servable {2}yes/,
    );
    expect(ok(folder, 'models', 'register', 'weights.pt', '--name', 'digits', '--tag', 'a=b')).toMatch(
      /servable {2}no: /,
    );
    expect(JSON.parse(ok(folder, 'models', 'list', '--json'))).toMatchObject([{ name: 'digits' }]);
    const weak = mlops(folder, [
      'models',
      'promote',
      'digits',
      '1',
      '--stage',
      'Production',
      '--require',
      'accuracy>=0.99',
    ]);
    expect([weak.status, weak.stderr]).toEqual([1, expect.stringContaining('accuracy >= 0.99 (it is 0.95)')]);
    const gates = [
      '--require',
      'metrics.accuracy>=0.9',
      '--better-than',
      'Production',
      '--on',
      'accuracy',
      '-m',
      'why not',
    ];
    expect(ok(folder, 'models', 'promote', 'digits', '1', '--stage', 'production', ...gates)).toMatch(
      /None -> Production/,
    );
    ok(folder, 'models', 'alias', 'digits', '1', 'champion');
    expect(JSON.parse(ok(folder, 'models', 'show', 'digits@champion', '--json'))).toMatchObject({
      version: '1',
      current_stage: 'Production',
      aliases: ['champion'],
    });
    expect(ok(folder, 'models', 'show', 'digits', '1')).toMatch(/md5 +[0-9a-f]{32}[^]*inputs +\[/);
    expect(ok(folder, 'models', 'history', 'digits')).toMatch(/registered[^]*None -> Production[^]*alias champion/);
    expect(ok(folder, 'models', 'compare', 'digits', '1', '2')).toMatch(/servable +yes +no/);
    ok(folder, 'models', 'download', 'digits', 'Production', '-o', 'out');
    expect(fs.readFileSync(path.join(folder, 'out/model.onnx'))).toEqual(
      fs.readFileSync(path.join(folder, 'model.onnx')),
    );
    expect(fs.existsSync(path.join(folder, 'out/MLmodel'))).toBe(true);
    expect(mlops(folder, ['models', 'delete', 'digits']).status).toBe(1);
    ok(folder, 'models', 'delete', 'digits', '2', '--yes');
    ok(folder, 'models', 'delete', 'digits', '--yes');
    expect(mlops(folder, ['models', 'show', 'digits']).status).toBe(1);
  });

  it('say what was meant and what is wrong, and register nothing of garbage', () => {
    const folder = project();
    ok(folder, 'models', 'register', 'model.onnx', '--name', 'digits');
    expect(mlops(folder, ['models', 'show', 'digitz']).stderr).toContain(`did you mean 'digits'?`);
    fs.writeFileSync(path.join(folder, 'bad.onnx'), 'garbage');
    const garbage = mlops(folder, ['models', 'register', 'bad.onnx', '--name', 'bad']);
    expect([garbage.status, garbage.stderr]).toEqual([1, expect.stringContaining('is not an ONNX model')]);
    expect(mlops(folder, ['models', 'register', 'none.onnx', '--name', 'bad']).status).toBe(1);
    expect(mlops(folder, ['models', 'register', 'model.onnx']).status).toBe(2);
    expect(mlops(folder, ['models', 'promote', 'digits', '1', '--stage', 'Live']).stderr).toContain(
      'Invalid Model Version stage: Live',
    );
    expect(JSON.parse(ok(folder, 'models', 'list', '--json'))).toHaveLength(1);
    expect(JSON.parse(ok(folder, 'runs', 'list', '--json'))).toHaveLength(1);
  });
});

describe('runs of commands', () => {
  it('keep output, exit code, and what a script logs; and can be listed, compared, deleted and restored', () => {
    const folder = project();
    const script = path.join(folder, 'train.sh');
    const self = `${process.execPath} ${mlopsBin}`;
    fs.writeFileSync(
      script,
      `echo hello; ${self} log param lr=$1; ${self} log metric loss=0.5 --step 1; ${self} log metric loss=$2 --step 2; ${self} log artifact model.onnx; ${self} log tag x=y; exit $3\n`,
    );
    const first = mlops(folder, ['run', '--name', 'one', '--', 'sh', script, '0.1', '0.4', '0']);
    expect([first.status, first.stdout]).toEqual([0, 'hello\n']);
    expect(mlops(folder, ['run', '--name', 'two', '--', 'sh', script, '0.2', '0.3', '3']).status).toBe(3);
    const runs = JSON.parse(ok(folder, 'runs', 'list', '--json')) as { info: { run_id: string; status: string } }[];
    expect(runs.map((run) => run.info.status)).toEqual(['FAILED', 'FINISHED']);
    expect(ok(folder, 'runs', 'show', 'one')).toMatch(/lr +0.1[^]*loss +0.4[^]*mlops.exit_code +0[^]*x +y/);
    expect(ok(folder, 'runs', 'compare')).toMatch(/status +FINISHED +FAILED[^]*lr +0.1 +0.2[^]*loss +0.4 +0.3/);
    expect(ok(folder, 'runs', 'search', 'metrics.loss < 0.35')).toMatch(/two/);
    expect(ok(folder, 'runs', 'artifacts', 'get', 'one', 'output.txt')).toBe('hello\n');
    expect(ok(folder, 'runs', 'artifacts', 'list', 'one')).toContain('model.onnx');
    // In a pipe no column is left out and no cell cut.
    expect(ok(folder, 'runs', 'list').split('\n')[0]).toMatch(/^RUN +NAME +STATUS +STARTED +TIME .*loss .*lr/);
    ok(folder, 'runs', 'delete', 'one');
    expect(JSON.parse(ok(folder, 'runs', 'list', '--json'))).toHaveLength(1);
    ok(folder, 'runs', 'restore', 'one');
    ok(folder, 'runs', 'delete', 'one');
    expect(ok(folder, 'runs', 'gc', '--dry-run')).toContain('would remove 1 run');
    expect(ok(folder, 'runs', 'gc', '--yes')).toContain('removed 1 run');
    expect(mlops(folder, ['runs', 'restore', 'one']).status).toBe(1);
    expect(mlops(folder, ['runs', 'search', 'foo > 1']).stderr).toContain(`Invalid attribute key 'foo'`);
  });

  it('work the same against a server', async () => {
    const folder = project();
    const server = startMlops(folder, ['server', '-p', '0']);
    const url = await urlOf(server);
    const env = { MLFLOW_TRACKING_URI: url };
    const far = (...args: string[]): string => {
      const done = mlops(folder, args, { env });
      expect(done.status, done.stderr).toBe(0);
      return done.stdout;
    };
    far('models', 'register', 'model.onnx', '--name', 'digits', '--metric', 'accuracy=0.95');
    far('models', 'promote', 'digits', '1', '--stage', 'Production', '-m', 'because');
    expect(far('models', 'history', 'digits')).toMatch(/registered[^]*None -> Production[^]*because/);
    far('models', 'download', 'digits', '-o', 'there');
    expect(fs.existsSync(path.join(folder, 'there/MLmodel'))).toBe(true);
    far('run', '--name', 'far', '--', 'echo', 'hi');
    expect(far('runs', 'artifacts', 'get', 'far', 'output.txt')).toBe('hi\n');
    // The same file, read by the command line beside the running server, and copied meanwhile.
    expect(ok(folder, 'runs', 'show', 'far')).toContain('finished');
    ok(folder, 'server', 'backup', 'copy.db');
    server.child.kill('SIGTERM');
    expect((await server.ended).status).toBe(0);
    expect(fs.existsSync(path.join(folder, 'copy.db'))).toBe(true);
  });
});
