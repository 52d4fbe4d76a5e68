/** The templates in the hands of the tools they are made for: real DVC runs them, Python's ONNX reads their model. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { renderTemplate } from '../../../../src/scaffold/index.ts';
import { describeWithTool } from '../../../tools.ts';

const CLEAN = 'Data and pipelines are up to date.\n';

let room: string;

beforeAll(() => {
  room = fs.mkdtempSync(path.join(os.tmpdir(), 'templates-'));
});

afterAll(() => fs.rmSync(room, { recursive: true, force: true }));

describeWithTool(['dvc', 'git'], 'templates under real DVC', ({ dvc, git }) => {
  it('digits: add, repro, then a clean status; the ignore file is the one that `add` would write', () => {
    const folder = project('digits', dvc, git);
    const ignored = fs.readFileSync(path.join(folder, 'data/.gitignore'), 'utf8');
    run(dvc, ['add', '-q', 'data/digits.csv.gz'], folder);
    expect(fs.readFileSync(path.join(folder, 'data/.gitignore'), 'utf8')).toBe(ignored);
    run(dvc, ['repro', '-q'], folder);
    expect(run(dvc, ['status'], folder)).toBe(CLEAN);
    expect(run(dvc, ['metrics', 'show', '--md'], folder)).toMatch(/metrics\.json \| 0\.9[5-9]/);
    expect(run(dvc, ['plots', 'show', '-o', path.join(room, 'plots')], folder)).toContain('index.html');
    run(git, ['add', '.'], folder);
    expect(run(git, ['ls-files'], folder)).not.toMatch(/digits\.csv\.gz$|weights\.json|model\.onnx|prepared/m);
  });

  it('digits: a parameter changed by DVC is read by the stage', () => {
    const folder = project('digits', dvc, git);
    run(dvc, ['exp', 'run', '-q', '-S', 'train.hidden=8', '-S', 'train.epochs=2', '-S', 'train.lr=1e-05'], folder);
    expect(fs.readFileSync(path.join(folder, 'plots/loss.csv'), 'utf8').trimEnd().split('\n')).toHaveLength(3);
    expect(JSON.parse(fs.readFileSync(path.join(folder, 'weights.json'), 'utf8'))).toMatchObject({
      layers: [{ outputs: 8 }, { outputs: 10 }],
    });
  });

  it('minimal: repro, then a clean status', () => {
    const folder = project('minimal', dvc, git);
    run(dvc, ['repro', '-q'], folder);
    expect(run(dvc, ['status'], folder)).toBe(CLEAN);
  });
});

describeWithTool('mlflow', 'the model of digits in Python', ({ mlflow }) => {
  it('passes the full check, and is byte for byte what the onnx package would write', () => {
    const folder = path.join(room, 'python');
    renderTemplate('digits', folder, { variables: { project: 'digits' } });
    for (const stage of ['prepare', 'train', 'export']) run(process.execPath, [`src/${stage}.mjs`], folder);
    const script = [
      'import onnx',
      'bytes = open("model.onnx", "rb").read()',
      'model = onnx.load_model_from_string(bytes)',
      'onnx.checker.check_model(model, full_check=True)',
      'print(model.SerializeToString() == bytes, [e.key for e in model.metadata_props])',
    ].join('\n');
    expect(run(mlflow, ['-c', script], folder)).toBe("True ['classes']\n");
  });
});

/** A template in a repository of its own, committed. */
function project(name: string, dvc: string, git: string): string {
  const folder = fs.mkdtempSync(path.join(room, `${name}-`));
  renderTemplate(name, folder, { variables: { project: name } });
  run(git, ['init', '-q'], folder);
  run(git, ['config', 'user.email', 'someone@example.com'], folder);
  run(git, ['config', 'user.name', 'Someone'], folder);
  run(dvc, ['init', '-q'], folder);
  run(git, ['add', '.'], folder);
  run(git, ['commit', '-q', '-m', 'Start'], folder);
  return folder;
}

function run(program: string, args: string[], cwd: string): string {
  const PATH = `${path.dirname(process.execPath)}${path.delimiter}${process.env['PATH'] ?? ''}`;
  return execFileSync(program, args, { cwd, encoding: 'utf8', stdio: 'pipe', env: { ...process.env, PATH } });
}
