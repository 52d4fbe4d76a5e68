import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it, vi } from 'vitest';

import type { LineageEdge, LineageNode } from '../src/lineage/index.ts';
import { command, freshProject, mlops, startMlops, temporaryFolder, urlOf } from './cli.ts';
import { linearModel } from './support/onnx.ts';

vi.setConfig({ testTimeout: 180_000 });

interface Answer {
  readonly things: readonly string[];
  readonly nodes: readonly LineageNode[];
  readonly edges: readonly LineageEdge[];
  readonly gaps: readonly { readonly id: string; readonly gap: string }[];
}

const model = linearModel(
  2,
  1,
  () => 2,
  () => 0,
);

function run(cwd: string, ...args: readonly string[]): string {
  const result = mlops(cwd, args);
  expect({ args, status: result.status, stderr: result.stderr }).toMatchObject({ args, status: 0 });
  return result.stdout;
}

function git(cwd: string, ...args: readonly string[]): string {
  const result = command(cwd, 'git', args);
  expect({ args, status: result.status, stderr: result.stderr }).toMatchObject({ args, status: 0 });
  return result.stdout.trim();
}

const md5 = (cwd: string, file: string): string => command(cwd, 'md5sum', [file]).stdout.slice(0, 32);

function lineage(cwd: string, ...args: readonly string[]): Answer {
  return JSON.parse(run(cwd, 'lineage', ...args, '--json')) as Answer;
}

const byKind = (answer: Answer, kind: LineageNode['kind']): LineageNode[] =>
  answer.nodes.filter((node) => node.kind === kind);
const facts = (answer: Answer, name: string): Readonly<Record<string, unknown>> | undefined =>
  answer.nodes.find((node) => node.name === name)?.facts;

/** A repository with data that others import. */
function shop(): string {
  const project = freshProject();
  fs.mkdirSync(path.join(project, 'photos'));
  for (let i = 0; i < 4; i++) fs.writeFileSync(path.join(project, 'photos', `${i}.txt`), `photo ${i}\n`);
  run(project, 'add', 'photos');
  git(project, 'add', '-A');
  git(project, 'commit', '-qm', 'photos');
  return project;
}

/** add, import, repro with an uncommitted change, register. */
function team(): { project: string; source: string; remote: string } {
  const source = shop();
  const project = freshProject();
  const remote = temporaryFolder('remote-');
  run(project, 'remote', 'add', '-d', 'far', remote);
  fs.writeFileSync(path.join(project, 'rows.csv'), 'id,x\n1,0.5\n2,0.25\n');
  fs.writeFileSync(path.join(project, 'base.onnx'), model);
  run(project, 'add', 'rows.csv', 'base.onnx');
  run(project, 'import', source, 'photos');
  fs.writeFileSync(path.join(project, 'train.sh'), 'cp base.onnx model.onnx\n');
  fs.writeFileSync(path.join(project, 'params.yaml'), 'train: {seed: 7}\n');
  fs.writeFileSync(
    path.join(project, 'dvc.yaml'),
    `stages:
  prepare:
    cmd: (cat rows.csv; echo 4,1) > clean.csv && cat photos/*.txt > all.txt
    deps: [rows.csv, photos]
    outs: [clean.csv, all.txt]
    meta: {row_id: id}
  train:
    cmd: sh train.sh && echo '{"rmse":0.5}' > metrics.json
    deps: [clean.csv, all.txt, base.onnx, train.sh]
    params: [train.seed]
    outs: [model.onnx]
    metrics: [metrics.json: {cache: false}]
`,
  );
  git(project, 'add', '-A');
  git(project, 'commit', '-qm', 'pipeline');
  fs.appendFileSync(path.join(project, 'train.sh'), '# not committed\n');
  run(project, 'repro');
  run(project, 'push');
  run(project, 'models', 'register', 'model.onnx', '--name', 'yield');
  return { project, source, remote };
}

describe('lineage', () => {
  it('leads from a served prediction to every byte, and from a file of an import to the prediction', async () => {
    const { project, source } = team();
    const server = startMlops(project, ['serve', 'models:/yield/1', '--port', '0', '--log-predictions']);
    const url = await urlOf(server);
    const asked = await fetch(`${url}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs: [[1, 2]] }),
    });
    expect(asked.status, await asked.clone().text()).toBe(200);
    server.child.kill('SIGTERM');
    await server.ended;
    const log = path.join(project, '.mlops/predictions');
    const [segment = ''] = fs.readdirSync(log).filter((name) => name.endsWith('.jsonl'));
    const id = /"kind":"prediction","id":"([^"]+)"/.exec(fs.readFileSync(path.join(log, segment), 'utf8'))?.[1] ?? '';

    const up = lineage(project, id);
    expect(up.things).toEqual([`prediction:${id}`]);
    expect(byKind(up, 'version').map(({ name }) => name)).toEqual(['models:/yield/1']);
    // Every file by what md5sum says of it.
    for (const file of ['model.onnx', 'clean.csv', 'all.txt', 'base.onnx', 'train.sh', 'rows.csv']) {
      expect(facts(up, file), file).toMatchObject({ md5: md5(project, file) });
    }
    expect(facts(up, 'rows.csv')).toMatchObject({
      tracked_by: 'rows.csv.dvc',
      in_cache: true,
      in_remotes: { far: true },
    });
    expect(facts(up, 'train')).toMatchObject({ params: { 'params.yaml': { 'train.seed': 7 } } });
    const head = git(project, 'rev-parse', 'HEAD');
    const [commit] = byKind(up, 'commit');
    expect(commit?.facts).toMatchObject({ commit: head, dirty: true });
    expect(up.gaps.map(({ gap }) => gap).join('\n')).toContain("'train.sh' was read as");
    // The patch that the run kept makes of the commit what was read.
    const other = path.join(temporaryFolder(), 'clone');
    git(path.dirname(other), 'clone', '-q', project, other);
    const [runId = '', ...rest] = String(commit?.facts['patch']).replace('runs:/', '').split('/');
    const patch = path.join(path.dirname(other), 'code.patch');
    run(project, 'runs', 'artifacts', 'get', runId, rest.join('/'), '-o', patch);
    git(other, 'apply', fs.statSync(patch).isDirectory() ? path.join(patch, 'code.patch') : patch);
    expect(md5(other, 'train.sh')).toBe(md5(project, 'train.sh'));
    const [imported] = byKind(up, 'source');
    expect(imported?.facts).toMatchObject({
      repository: source,
      path: 'photos',
      rev_lock: git(source, 'rev-parse', 'HEAD'),
    });

    const down = lineage(project, 'photos/2.txt', '--down');
    expect(down.things).toEqual([`data:photos/2.txt@${md5(project, 'photos/2.txt')}`]);
    expect(byKind(down, 'stage').map(({ name }) => name)).toEqual(['prepare', 'train']);
    expect(byKind(down, 'version').map(({ name }) => name)).toEqual(['models:/yield/1']);
    expect(byKind(down, 'prediction').map((node) => node.facts['count'])).toEqual([1]);
    expect(
      lineage(project, md5(project, 'photos/2.txt'), '--down')
        .nodes.map(({ id: node }) => node)
        .sort(),
    ).toEqual(down.nodes.map(({ id: node }) => node).sort());
    const rows = lineage(project, 'rows.csv', '--down', '--rows', '2,9');
    expect(facts(rows, 'clean.csv')).toMatchObject({ rows: { column: 'id', found: ['2'] } });
  });

  it('knows a content that a path had in another revision, and names what is gone', () => {
    const { project, remote } = team();
    git(project, 'add', '-A');
    git(project, 'commit', '-qm', 'ran');
    git(project, 'tag', 'v1');
    const old = md5(project, 'rows.csv');
    fs.writeFileSync(path.join(project, 'rows.csv'), 'id,x\n3,0.75\n');
    run(project, 'add', 'rows.csv');
    run(project, 'repro');
    const was = lineage(project, 'rows.csv@v1', '--down');
    expect(was.things).toEqual([`data:rows.csv@${old}`]);
    expect(byKind(was, 'run')).toHaveLength(1);
    expect(byKind(lineage(project, 'rows.csv', '--down'), 'version')).toEqual([]);
    for (const folder of [path.join(project, '.dvc/cache'), remote]) {
      fs.rmSync(path.join(folder, 'files/md5', old.slice(0, 2), old.slice(2)));
    }
    expect(lineage(project, 'rows.csv@v1', '--down').gaps.map(({ gap }) => gap)).toEqual([
      `object ${old} of 'rows.csv' is gone: neither the cache nor a remote has it`,
    ]);
  });

  it('says which word names nothing, and draws for Graphviz, Mermaid and browsers', () => {
    const { project } = team();
    const wrong = mlops(project, ['lineage', 'tran']);
    expect(wrong.status).toBe(1);
    expect(wrong.stderr).toContain("did you mean 'train'?");
    expect(run(project, 'lineage', 'train', '--dot')).toMatch(/^digraph lineage \{/);
    expect(run(project, 'lineage', 'train', '--mermaid')).toContain('stage: train');
    run(project, 'lineage', 'models:/yield/1', '--html', '-o', 'page.html');
    const page = fs.readFileSync(path.join(project, 'page.html'), 'utf8');
    expect(page).toContain('models:/yield/1');
    expect(page).not.toMatch(/src="http|href="http/);
    expect(createHash('md5').update(model).digest('hex')).toBe(md5(project, 'model.onnx'));
  });

  it('finds a changed byte anywhere on the way, and serves only what a trusted key signed', async () => {
    const { project, remote } = team();
    git(project, 'add', '-A');
    git(project, 'commit', '-qm', 'all');
    // What was read is in a commit now, but not in that of the run: its patch is kept, its bytes are not.
    expect(mlops(project, ['verify', 'yield', '1']).stdout).toContain('train.sh was read as');
    run(project, 'repro', '-f');
    fs.rmSync(path.join(project, 'dvc.lock'));
    git(project, 'checkout', '-q', 'dvc.lock');
    run(project, 'models', 'register', 'model.onnx', '--name', 'yield');
    const good = JSON.parse(run(project, 'verify', 'yield', '2', '--json', '--remotes')) as {
      ok: boolean;
      contents: { name: string }[];
    };
    expect(good.contents.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['model.onnx of models:/yield/2', 'rows.csv', 'photos/2.txt', 'train.sh', 'clean.csv']),
    );
    const change = (file: string): (() => void) => {
      const before = fs.readFileSync(file);
      fs.chmodSync(file, 0o644);
      fs.writeFileSync(file, Buffer.concat([before.subarray(0, -1), Buffer.from('!')]));
      return () => fs.writeFileSync(file, before);
    };
    const object = (root: string, file: string): string => {
      const id = md5(project, file);
      return path.join(root, 'files/md5', id.slice(0, 2), id.slice(2));
    };
    const artifact = (): string => {
      const found = fs.readdirSync(path.join(project, '.mlops'), { recursive: true, encoding: 'utf8' });
      const files = found
        .filter((file) => file.endsWith('/model.onnx'))
        .map((file) => path.join(project, '.mlops', file));
      return files.toSorted((a, b) => fs.statSync(b).mtimeMs - fs.statSync(a).mtimeMs)[0] ?? '';
    };
    for (const [file, name, ...flags] of [
      [object(path.join(project, '.dvc/cache'), 'photos/2.txt'), 'photos/2.txt'],
      [object(path.join(project, '.dvc/cache'), 'rows.csv'), 'rows.csv'],
      [object(remote, 'clean.csv'), 'clean.csv', '--remotes'],
      [artifact(), 'model.onnx of models:/yield/2'],
    ] as const) {
      const restore = change(file);
      const found = mlops(project, ['verify', 'yield', '2', ...flags]);
      expect({ name, status: found.status, first: found.stdout.split('\n')[0] }).toMatchObject({
        status: 1,
        first: expect.stringMatching(new RegExp(`^${name} is not what was recorded`)) as unknown,
      });
      restore();
    }
    expect(mlops(project, ['verify', 'yield', '2', '--remotes']).status).toBe(0);

    for (const name of ['release', 'other']) {
      command(project, 'openssl', ['genpkey', '-algorithm', 'ed25519', '-out', `${name}.pem`]);
      command(project, 'openssl', ['pkey', '-in', `${name}.pem`, '-pubout', '-out', `${name}.pub`]);
    }
    const card = run(project, 'models', 'card', 'yield', '2');
    for (const part of [
      '# yield, version 2',
      '### Stage train',
      'train.seed | 7 |',
      md5(project, 'rows.csv'),
      'Signed | not signed',
    ])
      expect(card).toContain(part);

    const refused = mlops(project, ['serve', 'models:/yield/2', '--port', '0', '--signing-key', 'release.pub']);
    expect(refused.stderr).toContain('may not be served: not signed');
    run(project, 'models', 'sign', 'yield', '2', '--key', 'other.pem');
    const foreign = mlops(project, ['serve', 'models:/yield/2', '--port', '0', '--signing-key', 'release.pub']);
    expect(foreign.stderr).toContain('which is not trusted');
    run(project, 'models', 'sign', 'yield', '2', '--key', 'release.pem');
    fs.writeFileSync(path.join(project, 'mlops.yaml'), 'signing: {keys: [release.pub]}\n');
    expect(run(project, 'verify', 'yield', '2')).toMatch(/signature: by key [0-9a-f]{16}\n/);
    const server = startMlops(project, ['serve', 'models:/yield/2', '--port', '0', '--require-signed']);
    expect((await fetch(`${await urlOf(server)}/health`)).status).toBe(200);
    server.child.kill('SIGTERM');
    await server.ended;
    fs.writeFileSync(
      path.join(project, 'gates.yaml'),
      'version: 1\nstages: {Production: {required: {signed: true}}}\n',
    );
    expect(mlops(project, ['check', 'model', 'models:/yield/2', '--stage', 'Production']).status).toBe(0);
    const restore = change(artifact());
    expect(mlops(project, ['check', 'model', 'models:/yield/2', '--stage', 'Production']).status).toBe(1);
    expect(mlops(project, ['serve', 'models:/yield/2', '--port', '0', '--require-signed']).stderr).toContain(
      'not what key',
    );
    restore();
  });

  it('runs again what made a model, in a copy at its commit with its patch, and says where it parts', () => {
    const { project } = team();
    fs.writeFileSync(path.join(project, 'train.sh'), 'exit 1\n');
    const before = command(project, 'git', ['status', '--porcelain']).stdout;
    const same = mlops(project, ['reproduce', 'models:/yield/1']);
    expect({ status: same.status, stderr: same.stderr }).toMatchObject({ status: 0 });
    expect(same.stdout).toMatch(/^Reproduced at [0-9a-f]{12} with its patch: 4 outputs as before/);
    expect(command(project, 'git', ['status', '--porcelain']).stdout).toBe(before);
    // A stage that is not the same twice, and a metric that moves a little.
    fs.writeFileSync(
      path.join(project, 'train.sh'),
      'date +%N > model.onnx && echo "{\\"rmse\\": 0.5000$(date +%N)}" > noisy.json && cat base.onnx > model.onnx\n',
    );
    const text = fs.readFileSync(path.join(project, 'dvc.yaml'), 'utf8');
    fs.writeFileSync(
      path.join(project, 'dvc.yaml'),
      text.replace('echo \'{"rmse":0.5}\' > metrics.json', 'cp noisy.json metrics.json'),
    );
    run(project, 'repro');
    const differs = mlops(project, ['reproduce', 'latest']);
    expect(differs.status, differs.stderr).toBe(1);
    expect(differs.stdout).toContain('It parts at stage train');
    expect(differs.stdout).toContain('metrics.json');
    expect(mlops(project, ['reproduce', 'latest', '--compare', 'metrics:0.01']).status).toBe(0);
    expect(mlops(project, ['reproduce', 'latest', '--compare', 'metrics:1e-12']).status).toBe(1);
    const json = JSON.parse(
      mlops(project, ['reproduce', 'latest', '--json'], { env: { OMP_NUM_THREADS: '3' } }).stdout,
    ) as {
      environment: unknown;
    };
    expect(json.environment).toEqual([{ name: 'OMP_NUM_THREADS', now: '3' }]);
    expect(mlops(project, ['reproduce', 'latest', '--compare', 'roughly']).status).toBe(2);
  });

  it('plans and carries out that one picture of ten thousand is forgotten everywhere', () => {
    const project = freshProject();
    const remote = temporaryFolder('remote-');
    run(project, 'remote', 'add', '-d', 'far', remote);
    fs.mkdirSync(path.join(project, 'photos'));
    for (let i = 0; i < 10_000; i++) fs.writeFileSync(path.join(project, 'photos', `${i}.txt`), `photo ${i}\n`);
    const secret = 'a face that was never to be here';
    fs.writeFileSync(path.join(project, 'photos/4711.txt'), secret);
    fs.writeFileSync(path.join(project, 'base.onnx'), model);
    fs.writeFileSync(
      path.join(project, 'dvc.yaml'),
      `stages:
  join:
    cmd: cat photos/47*.txt > all.txt && cp all.txt report.txt
    deps: [photos]
    outs: [all.txt]
    plots: [report.txt]
  train:
    cmd: cat base.onnx > model.onnx
    deps: [all.txt, base.onnx]
    outs: [model.onnx]
`,
    );
    run(project, 'add', 'photos', 'base.onnx');
    git(project, 'add', '-A');
    git(project, 'commit', '-qm', 'one');
    run(project, 'repro');
    run(project, 'push');
    run(project, 'models', 'register', 'model.onnx', '--name', 'faces');
    const id = md5(project, 'photos/4711.txt');
    const log = `{"id":"p1","model":"faces","version":"1","inputs":{"photo":"${id}"},"prediction":"a"}\n{"id":"p2","model":"faces","version":"1","inputs":{"photo":"other"},"prediction":"b"}\n`;
    expect(mlops(project, ['monitor', 'log', '-'], { input: log }).status).toBe(0);
    git(project, 'add', '-A');
    git(project, 'commit', '-qm', 'two');

    const places = [path.join(project, '.dvc/cache'), remote, path.join(project, '.mlops')];
    const holding = (text: string): string[] =>
      places.flatMap((place) =>
        command(project, 'grep', ['-rl', '--binary-files=text', text, place])
          .stdout.split('\n')
          .filter((line) => line !== ''),
      );
    expect(holding(secret).length).toBeGreaterThan(4);
    const planned = run(project, 'forget', 'photos/4711.txt');
    expect(planned).toContain('model: models:/faces/1');
    expect(planned).toContain("blocked: folder 'photos' still has it");
    expect(mlops(project, ['forget', 'photos/4711.txt', '--apply', '--confirm', 'photos/4711.txt']).status).toBe(2);
    fs.rmSync(path.join(project, 'photos/4711.txt'));
    run(project, 'add', 'photos');
    // Nothing without the name, typed.
    expect(mlops(project, ['forget', 'photos/4711.txt', '--apply']).status).not.toBe(0);
    expect(mlops(project, ['forget', 'photos/4711.txt', '--apply', '--confirm', 'photos']).status).not.toBe(0);
    expect(holding(secret).length).toBeGreaterThan(4);
    run(
      project,
      'forget',
      'photos/4711.txt',
      '--apply',
      '--confirm',
      'photos/4711.txt',
      '--reason',
      'asked by the person',
    );
    expect(holding(secret)).toEqual([]);
    // Its md5 stands in the tombstone, and nowhere else.
    expect(
      holding(id)
        .map((file) => path.basename(file))
        .filter((file) => !file.startsWith('index.sqlite')),
    ).toEqual(['tombstone.json']);
    expect(mlops(project, ['models', 'show', 'faces', '1']).status).not.toBe(0);
    expect(run(project, 'monitor', 'status')).toContain('faces');
    run(project, 'repro');
    run(project, 'push');
    expect(holding(secret)).toEqual([]);
    expect(fs.readFileSync(path.join(project, 'all.txt'), 'utf8')).toContain('photo 4712');
    expect(mlops(project, ['lineage', 'photos/12.txt', '--down']).status).toBe(0);
  });
});
