/** The workflows of a world: their shell lines are run in a project, one after the other, as the host would. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { makeWorld, type, type World } from './world.ts';

interface Step {
  readonly name?: string;
  readonly id?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: Readonly<Record<string, string>>;
  readonly concurrency: unknown;
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[]; readonly 'timeout-minutes': number }>>;
}

let room = '';
let world: World;

beforeAll(async () => {
  room = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'workflows-')));
  world = await makeWorld(room, 'tabular', 'node');
  // What stands for the hosts' programs writes down how it was called.
  for (const name of ['gh', 'kubectl']) {
    fs.writeFileSync(path.join(room, 'bin', name), `#!/bin/sh\necho ${name} "$@" >> '${room}/calls.txt'\n`, {
      mode: 0o755,
    });
  }
}, 60_000);

afterAll(() => fs.rmSync(room, { recursive: true, force: true }));

describe('workflows', () => {
  it.each(['ci', 'image', 'ml_monitoring', 'ml_training'])('%s has least permissions and pinned actions', (name) => {
    const workflow = read(name);
    expect(workflow.permissions['contents']).toMatch(/^(read|write)$/);
    expect(workflow.concurrency).toBeDefined();
    for (const job of Object.values(workflow.jobs)) {
      expect(job['timeout-minutes']).toBeGreaterThan(0);
      for (const { uses } of job.steps) if (uses !== undefined) expect(uses).toMatch(/@[0-9a-f]{40}$/);
    }
  });

  it('run on pushes and pull requests, on Sundays at two, every six hours, on main', () => {
    expect(Object.keys(read('ci').on)).toEqual(['push', 'pull_request']);
    expect(read('ml_training').on['schedule']).toEqual([{ cron: '0 2 * * 0' }]);
    expect(read('ml_monitoring').on['schedule']).toEqual([{ cron: '0 */6 * * *' }]);
    expect(read('image').on['push']).toEqual({ branches: ['main'] });
  });

  it('train, register and promote; commit what changed', async () => {
    await run('ml_training', 'train');
    const { stdout } = await type(world, 'mlops models show models:/tabular/Production --json');
    expect(JSON.parse(stdout)).toBeDefined();
    expect((await type(world, 'git log -1 --format=%s')).stdout).toBe('Train on the data of today\n');
    expect((await type(world, 'git status --porcelain')).stdout).toBe('');
  }, 120_000);

  it('check, with a summary and a comment of what changed', async () => {
    await type(world, "git switch -q dev && git merge -q main && sed -i 's/decay: 0.1/decay: 0.3/' params.yaml");
    await run('ci', 'check');
    expect(fs.readFileSync(path.join(room, 'summary.md'), 'utf8')).toContain('### Gates: passed');
    const comment = fs.readFileSync(path.join(world.folder, 'comment.md'), 'utf8');
    expect(comment).toMatch(/\| params\.yaml \| train\.decay \| 0\.1 +\| 0\.3 +\|/);
    expect(comment).toMatch(/\| metrics\.json \| skill /);
    expect(comment).toContain('| plots/loss.csv | 60 | 60 | changed |');
  }, 120_000);

  it('look at the log, and keep what they saw', async () => {
    await run('ml_monitoring', 'look');
    expect(fs.readFileSync(path.join(world.folder, '.monitoring/look.txt'), 'utf8')).toContain('0 firing');
  }, 60_000);

  it('package the same version as the same bytes, and deploy it', async () => {
    await run('image', 'build');
    const first = contentsOf(path.join(world.folder, 'context'));
    expect([...first.keys()]).toEqual(
      expect.arrayContaining(['Dockerfile', 'model.json', 'package.json', 'models/tabular/model.onnx']),
    );
    expect(first.get('Dockerfile')).toContain('ARG MODEL_VERSION=1\n');
    await run('image', 'build');
    expect(contentsOf(path.join(world.folder, 'context'))).toEqual(first);
    await run('image', 'deploy');
    expect(fs.readFileSync(path.join(room, 'calls.txt'), 'utf8')).toContain('kubectl apply -k deploy/overlays/prod\n');
  }, 120_000);
});

/** Runs the shell lines of a job; what installs is left out, and what has a condition that does not hold here. */
async function run(workflow: string, job: string): Promise<void> {
  const steps = read(workflow).jobs[job]?.steps ?? [];
  const lines = steps.filter(
    (step) => step.run !== undefined && step.name?.startsWith('Install') !== true && step.if === undefined,
  );
  expect(lines.length).toBeGreaterThan(0);
  const env = {
    ...world.env,
    CI: 'true',
    GITHUB_OUTPUT: path.join(room, 'output.txt'),
    GITHUB_STEP_SUMMARY: path.join(room, 'summary.md'),
  };
  for (const step of lines) {
    const own = Object.entries(step.env ?? {}).filter(([, value]) => !value.includes('secrets.'));
    const said = await type(
      { folder: world.folder, env: { ...env, ...Object.fromEntries(own) } },
      `set -e\n${step.run}`,
    );
    expect(said.status, `${workflow}: ${step.name}\n${said.stdout}\n${said.stderr}`).toBe(0);
  }
}

function read(name: string): Workflow {
  return parse(fs.readFileSync(path.join(world.folder, '.github/workflows', `${name}.yml`), 'utf8')) as Workflow;
}

/** Texts and times of all files below a folder. */
function contentsOf(folder: string): Map<string, string> {
  const names = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const files = names.filter((name) => fs.statSync(path.join(folder, name)).isFile());
  const describeFile = (name: string): string => {
    const file = path.join(folder, name);
    return `${fs.statSync(file).mtimeMs} ${fs.readFileSync(file, 'latin1')}`;
  };
  return new Map(files.map((name) => [name, describeFile(name)]));
}
