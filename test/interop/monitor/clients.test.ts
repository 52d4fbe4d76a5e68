import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as readline from 'node:readline';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

import { cleanEnv, mlopsBin, root } from '../../cli.ts';
import { describeWithTool } from '../../tools.ts';

const examples = path.join(root, 'examples', 'clients');

interface Counts {
  readonly sent: number;
  readonly waiting: number;
  readonly dropped: number;
  readonly rejected: number;
}

interface Stats {
  readonly predictions: number;
  readonly errors: number;
  readonly classes: Readonly<Record<string, number>>;
  readonly inputs: Readonly<Record<string, unknown>>;
}

describeWithTool('science', 'the Python client', ({ science }) => {
  let folder = '';
  let url = '';
  let server: ChildProcess;
  let driver: ReturnType<typeof startDriver>;

  async function startServer(port: string): Promise<void> {
    const args = ['server', '-p', port, '--backend-store-uri', 'store/mlops.db'];
    server = spawn(process.execPath, [mlopsBin, ...args], { cwd: folder, env: cleanEnv(folder) });
    let said = '';
    server.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    url = await vi.waitFor(() => {
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0];
      if (found === undefined) throw new Error(`the server did not start: ${said}`);
      return found;
    }, 20_000);
  }

  async function stopServer(): Promise<void> {
    const ended = new Promise((resolve) => server.on('exit', resolve));
    server.kill('SIGTERM');
    await ended;
  }

  /** The three applications and the client in one Python; commands and answers are lines of JSON. */
  function startDriver() {
    const child = spawn(science, [path.join(import.meta.dirname, 'clients_driver.py'), examples], {
      env: { ...process.env, MLOPS_URL: url, PYTHONDONTWRITEBYTECODE: '1' },
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const lines = readline.createInterface(child.stdout)[Symbol.asyncIterator]();
    const answer = async <Answer>(): Promise<Answer> => {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(errors);
      return JSON.parse(value) as Answer;
    };
    return {
      child,
      answer,
      errors: () => errors,
      ask: <Answer>(what: string, fields: object = {}): Promise<Answer> => {
        child.stdin.write(`${JSON.stringify({ do: what, ...fields })}\n`);
        return answer<Answer>();
      },
    };
  }

  const stats = async (model: string): Promise<Stats | undefined> => {
    const response = await fetch(`${url}/monitor/stats?model=${model}`);
    return ((await response.json()) as Stats[])[0];
  };
  const post = <Answer>(app: string, target: string, body: object) =>
    driver.ask<Answer>('post', { app, path: target, ...body });

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'clients-'));
    await startServer('0');
    driver = startDriver();
    expect(await driver.answer()).toBe('ready');
  }, 60_000);
  afterAll(async () => {
    driver.child.stdin.end();
    await stopServer();
    fs.rmSync(folder, { recursive: true });
  });

  it('needs nothing but Python', async () => {
    expect(await driver.ask('loaded')).toEqual(['mlops_client']);
  });

  it('logs from Django, Flask and FastAPI, and labels what they answered', async () => {
    const skin = await post<{ id: string; label: string }>('django', '/classify', { form: 'age=60&diameter=18' });
    expect(skin.label).toBe('melanoma');
    await post('django', '/confirm', { form: `id=${skin.id}&label=naevus` });
    const wheat = await post<{ id: string; tonnes: number }>('flask', '/yield', { json: { rain: 450, nitrogen: 100 } });
    expect(wheat.tonnes).toBe(6.25);
    await post('flask', '/harvest', { json: { id: wheat.id, tonnes: 5.25 } });
    const title = `Boots ${'of leather '.repeat(20)}`;
    const shoes = await post<{ id: string; category: string }>('fastapi', '/category', { json: { title } });
    await post('fastapi', '/truth', { json: { id: shoes.id, category: 'shoes' } });
    for (const client of ['django', 'flask', 'fastapi']) {
      expect(await driver.ask('flush', { client, timeout: 20 })).toBe(true);
      expect(await driver.ask('counts', { client })).toEqual({ sent: 2, waiting: 0, dropped: 0, rejected: 0 });
    }
    expect(await stats('skin')).toMatchObject({
      predictions: 1,
      classes: { melanoma: 1 },
      inputs: { age: { mean: 60 } },
    });
    expect(await stats('yield')).toMatchObject({ predictions: 1, prediction: { mean: 6.25 } });
    expect(Object.keys((await stats('category'))?.inputs ?? {})).toEqual(['title.length', 'title.words']);
    for (const [model, metric, value] of [
      ['skin', 'accuracy', 0],
      ['yield', 'mae', 1],
      ['category', 'accuracy', 1],
    ] as const) {
      const told = await (await fetch(`${url}/monitor/performance?model=${model}`)).json();
      const { labelled, metrics } = told as { labelled: number; metrics: Record<string, object> };
      expect([labelled, metrics[metric]], model).toMatchObject([1, { value }]);
    }
  }, 60_000);

  it('takes what NumPy and others have, drops what it cannot write, and lets one bad record harm no other', async () => {
    await driver.ask('client', { name: 'odd', with: { url, model: 'odd' } });
    await driver.ask('odd', { client: 'odd' });
    await driver.ask('mixed', { client: 'odd' });
    await driver.ask('error', { client: 'odd' });
    expect(await driver.ask('flush', { client: 'odd', timeout: 20 })).toBe(true);
    expect(await driver.ask('counts', { client: 'odd' })).toMatchObject({ rejected: 1, waiting: 0, dropped: 0 });
    const odd = await stats('odd');
    // One odd record, g1, g2 (sent twice) and the one that an error left.
    expect(odd).toMatchObject({ predictions: 4, errors: 1, classes: { x: 1, good: 2 } });
    expect(odd?.inputs).toMatchObject({ numpy: { mean: 0.5 }, when: { values: { '2030-01-02T00:00:00+00:00': 1 } } });
    expect(driver.errors()).toContain("'prediction'");
  }, 60_000);

  it('logs runs with params, metrics and tags', async () => {
    await driver.ask('client', { name: 'runs', with: { url } });
    const id = await driver.ask<string>('run', { client: 'runs' });
    const told = await fetch(`${url}/api/2.0/mlflow/runs/get?run_id=${id}`);
    const { run } = (await told.json()) as { run: { info: object; data: { metrics: object[]; tags: object[] } } };
    expect(run.info).toMatchObject({ run_name: 'first', status: 'FINISHED' });
    expect(run.data).toMatchObject({ params: [{ key: 'rate', value: '0.1' }] });
    expect(run.data.metrics).toContainEqual(expect.objectContaining({ key: 'loss', step: 2, value: 1 / 3 }));
    expect(run.data.tags).toContainEqual({ key: 'kind', value: 'test' });
  }, 60_000);

  it('goes on after a fork: neither process loses or doubles a record', async () => {
    await driver.ask('client', { name: 'fork', with: { url, model: 'fork' } });
    expect(await driver.ask('fork', { client: 'fork' })).toBe(0);
    expect(await driver.ask('flush', { client: 'fork', timeout: 20 })).toBe(true);
    expect(await stats('fork')).toMatchObject({ predictions: 2, classes: { parent: 1, child: 1 } });
  }, 60_000);

  it('never waits for a server that is away, keeps what fits, and sends it when the server is back', async () => {
    const port = new URL(url).port;
    await driver.ask('client', { name: 'away', with: { url, model: 'away', queue: 500, key: 'secret' } });
    await driver.ask('log', { client: 'away', count: 1 });
    expect(await driver.ask('flush', { client: 'away', timeout: 20 })).toBe(true);
    await stopServer();
    const logged = await driver.ask<{ seconds: number; different: number }>('log', { client: 'away', count: 5_000 });
    expect(logged.different).toBe(5_000);
    expect(logged.seconds).toBeLessThan(5);
    const skin = await post<{ label: string }>('django', '/classify', { form: 'age=60&diameter=18' });
    expect(skin.label).toBe('melanoma');
    expect(await driver.ask('flush', { client: 'away', timeout: 0.2 })).toBe(false);
    const counts = await driver.ask<Counts>('counts', { client: 'away' });
    expect(counts.dropped).toBeGreaterThan(3_900);
    expect(counts.waiting + counts.dropped).toBe(5_000);
    await startServer(port);
    expect(await driver.ask('flush', { client: 'away', timeout: 30 })).toBe(true);
    const after = await driver.ask<Counts>('counts', { client: 'away' });
    expect(after).toEqual({ sent: counts.waiting + 1, waiting: 0, dropped: counts.dropped, rejected: 0 });
    expect(await stats('away')).toMatchObject({ predictions: counts.waiting + 1 });
    expect(await driver.ask('flush', { client: 'django', timeout: 30 })).toBe(true);
    expect((await stats('skin'))?.predictions).toBe(2);
  }, 90_000);

  it('does nothing without an address, or with one that is none', async () => {
    for (const address of ['', 'ftp://nowhere', 'http://']) {
      await driver.ask('client', { name: 'none', with: { url: address, model: 'm' } });
      expect(await driver.ask('log', { client: 'none', count: 10 })).toMatchObject({ different: 10 });
      expect(await driver.ask('flush', { client: 'none', timeout: 1 })).toBe(true);
      expect(await driver.ask('counts', { client: 'none' })).toEqual({ sent: 0, waiting: 0, dropped: 0, rejected: 0 });
    }
  });
});
