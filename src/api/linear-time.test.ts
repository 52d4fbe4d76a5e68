// 100 kB of each awkward kind in every field of every route: answered in time that grows with the bytes, never by 500.
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awkwardTexts, awkwardValues, expectLinear } from '../../test/support/awkward.ts';
import { silentLogger } from '../base/index.ts';
import { createShell, type Shell } from '../http/index.ts';
import { Fields } from '../mlflow/index.ts';
import { openTracking, type TrackingStore } from '../tracking/index.ts';
import { artifactRoutes } from './artifacts.ts';
import { experimentRoutes } from './experiments.ts';
import { registerMlflowApi, registerWebUi } from './index.ts';
import { loggedModelRoutes } from './logged-models.ts';
import { metricRoutes } from './metrics.ts';
import { modelVersionRoutes } from './model-versions.ts';
import { registeredModelRoutes } from './registered-models.ts';
import type { ApiRoute } from './route.ts';
import { runRoutes } from './runs.ts';
import { oldTraceRoutes } from './traces-v2.ts';
import { traceRoutes } from './traces.ts';
import { uiRoutes } from './ui/routes.ts';

let folder: string;
let store: TrackingStore;
let shell: Shell;
let run: string;

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-linear-'));
  store = await openTracking('memory:', { artifacts: folder });
  shell = await createShell();
  const webhooks = { schemes: ['https'], allowPrivate: false, retries: 0, timeout: 100, log: silentLogger };
  registerMlflowApi(shell, { store, webhooks });
  registerWebUi(shell, { store });
  run = (await store.createRun({ experimentId: '0', name: 'r', startTime: 1 })).info.id;
  await store.logBatch(run, {
    metrics: [{ key: 'a', value: 1, timestamp: 1, step: 0 }],
    params: [{ key: 'a', value: 'aaaa' }],
    tags: [{ key: 'a', value: 'a'.repeat(5_000) }],
  });
  await store.createRegisteredModel('m', {});
  await store.createModelVersion({ name: 'm', source: 's3://bucket/m' });
});

afterAll(async () => {
  await shell.close();
  await store.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** What a field holds that is not the one under test: enough to come to the next one. */
function sample(name: string): string {
  const known: Record<string, string> = { experiment_id: '0', run_id: run, run_uuid: run, name: 'm', version: '1' };
  const more: Record<string, string> = { status: 'FINISHED', stage: 'Staging', source: 's3://bucket/m', key: 'a' };
  return known[name] ?? more[name] ?? 'a';
}

type Kind = 'text' | 'number' | 'texts' | 'messages' | 'message' | 'raw';
type Shape = Map<string, { readonly kind: Kind; readonly inner?: Shape }>;

/** Writes down which fields a route reads, and how. */
class Explorer extends Fields {
  readonly #shape: Shape;

  constructor(shape: Shape) {
    super({});
    this.#shape = shape;
  }

  #note(name: string, kind: Kind): Shape {
    const inner = this.#shape.get(name)?.inner ?? new Map();
    this.#shape.set(name, { kind, ...(kind === 'messages' || kind === 'message' ? { inner } : {}) });
    return inner;
  }

  override has(name: string): boolean {
    return this.#shape.has(name) || this.#note(name, 'text') !== undefined;
  }
  override raw(name: string): unknown {
    this.#note(name, 'raw');
    return sample(name);
  }
  override text(name: string): string | undefined {
    this.#note(name, 'text');
    return /filter|token/.test(name) ? undefined : sample(name);
  }
  override need(name: string): string {
    this.#note(name, 'text');
    return sample(name);
  }
  override filled(name: string): string | undefined {
    return this.text(name);
  }
  override integer(name: string): number | undefined {
    this.#note(name, 'number');
    return 1;
  }
  override double(name: string): number | undefined {
    return this.integer(name);
  }
  override flag(name: string): boolean | undefined {
    this.#note(name, 'text');
    return undefined;
  }
  override choice<Name extends string>(name: string, names: readonly Name[]): Name | undefined {
    this.#note(name, 'text');
    return names[0];
  }
  override texts(name: string): readonly string[] {
    this.#note(name, 'texts');
    return name === 'order_by' ? [] : [sample(name.replace(/s$/, ''))];
  }
  override onlyTexts(name: string): readonly string[] {
    return this.texts(name);
  }
  override messages(name: string): readonly Fields[] {
    return [new Explorer(this.#note(name, 'messages'))];
  }
  override message(name: string): Fields {
    return new Explorer(this.#note(name, 'message'));
  }
}

function bodyOf(shape: Shape): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const [name, { kind, inner }] of shape) {
    if (/filter|token|order_by/.test(name)) continue;
    if (kind === 'number') body[name] = 1;
    else if (kind === 'texts') body[name] = [sample(name.replace(/s$/, ''))];
    else if (inner !== undefined) body[name] = kind === 'messages' ? [bodyOf(inner)] : bodyOf(inner);
    else body[name] = sample(name);
  }
  return body;
}

/** Node takes 16 kB of target and headers; what is longer is answered by 431 before anybody reads it. */
const inTarget = (size: number): number => size / 7;

const mark = '@@@';

/** A body for each field, with the mark in its place. */
function marked(shape: Shape): { readonly field: string; readonly body: Record<string, unknown> }[] {
  return [...shape].flatMap(([name, { kind, inner }]) => {
    const whole = { field: name, body: { ...bodyOf(shape), [name]: kind === 'texts' ? [mark] : mark } };
    const deep = inner === undefined ? [] : marked(inner);
    const within = deep.map(({ field, body }) => ({
      field: `${name}.${field}`,
      body: { ...bodyOf(shape), [name]: kind === 'messages' ? [body] : body },
    }));
    return [whole, ...within];
  });
}

async function explore(route: ApiRoute): Promise<Shape> {
  const shape: Shape = new Map();
  const params = Object.fromEntries([...route.path.matchAll(/:(\w+)/g)].map(([, name = '']) => [name, 'a']));
  // What a route refuses for want of a thing is enough: it has read its fields by then, or reads them the second time.
  for (let i = 0; i < 2; i++) await route.answer(new Explorer(shape), params, undefined).catch(() => undefined);
  return shape;
}

interface Answered {
  readonly statusCode: number;
  readonly body: string;
}

async function judge(what: string, ask: (size: number) => Promise<Answered>): Promise<void> {
  await expectLinear(what, async (size) => {
    const { statusCode, body } = await ask(size);
    if (statusCode >= 500 && statusCode !== 501) expect.fail(`${what}: ${statusCode} ${body.slice(0, 300)}`);
  });
}

const json = { 'content-type': 'application/json' };

async function walk(route: ApiRoute): Promise<number> {
  const shape = await explore(route);
  const url = `/${route.ajaxOnly === true ? 'ajax-api' : 'api'}/${route.version ?? '2.0'}/mlflow${route.path.replaceAll(/:\w+/g, 'a')}`;
  const { method } = route;
  for (const { field, body } of marked(shape)) {
    for (const [kind, make] of Object.entries(awkwardTexts)) {
      await judge(`${method} ${url} ${field}: ${kind}`, (size) => {
        if (method === 'GET') {
          const query = new URLSearchParams(
            Object.entries({ ...body, [field]: make(inTarget(size)) }).map(([k, v]): [string, string] => [
              k,
              String(v),
            ]),
          );
          return shell.inject({ method, url: `${url}?${query.toString()}` });
        }
        const payload = JSON.stringify(body).replace(`"${mark}"`, () => JSON.stringify(make(size)));
        return shell.inject({ method, url, headers: json, payload });
      });
    }
    if (method === 'GET') continue;
    for (const [kind, make] of Object.entries(awkwardValues)) {
      await judge(`${method} ${url} ${field}: ${kind}`, (size) => {
        const payload = JSON.stringify(body).replace(`"${mark}"`, () => make(size));
        return shell.inject({ method, url, headers: json, payload });
      });
    }
  }
  return marked(shape).length;
}

describe('every field of every route takes linear time', () => {
  const groups: Readonly<Record<string, () => readonly ApiRoute[]>> = {
    experiments: () => experimentRoutes(store),
    runs: () => [...runRoutes(store), ...metricRoutes(store), ...uiRoutes(store)],
    models: () => [...loggedModelRoutes(store), ...registeredModelRoutes(store)],
    versions: () => [...modelVersionRoutes(store), ...artifactRoutes(store)],
    traces: () => [...traceRoutes(store.traces), ...oldTraceRoutes(store.traces)],
  };
  it.each(Object.keys(groups))(
    '%s',
    async (name) => {
      let fields = 0;
      for (const route of groups[name]?.() ?? []) fields += await walk(route);
      expect(fields).toBeGreaterThan(20);
    },
    600_000,
  );
});

describe('whole bodies, paths and headers take linear time', () => {
  const posts: readonly (readonly [url: string, headers: Record<string, string>])[] = [
    ['/api/2.0/mlflow/runs/create', json],
    ['/api/2.0/mlflow/runs/log-batch', json],
    ['/graphql', json],
    ['/v1/traces', { ...json, 'x-mlflow-experiment-id': '0' }],
    ['/v1/traces', { 'content-type': 'application/x-protobuf', 'x-mlflow-experiment-id': '0' }],
    ['/api/2.0/mlflow/webhooks', json],
  ];
  it.each(posts)(
    'POST %s',
    async (url, headers) => {
      const bodies = { ...awkwardTexts, ...awkwardValues };
      for (const [kind, make] of Object.entries(bodies)) {
        for (const wrap of ['@', '{"a":@}', '{"query":"@"}', '{"url":"@","name":"a","events":[{}]}']) {
          await judge(`POST ${url} ${wrap}: ${kind}`, (size) =>
            shell.inject({ method: 'POST', url, headers, payload: wrap.replace('@', () => make(size)) }),
          );
        }
      }
    },
    300_000,
  );

  const artifacts = '/api/2.0/mlflow-artifacts/artifacts';
  const targets: readonly (readonly [method: 'GET' | 'PUT' | 'DELETE' | 'POST', url: string])[] = [
    ...(['/?page=@', '/experiments/@', '/experiments/0?filter=@', '/experiments/0?order_by=@'] as const).map(
      (url) => ['GET', url] as const,
    ),
    ...(['/experiments/0?page=@', '/models?page=@', '/models/@', '/models/m/versions/@', '/@'] as const).map(
      (url) => ['GET', url] as const,
    ),
    ...(['/experiments/0/runs/@', '/experiments/0/runs/a?path=@', '/experiments/0/models/@'] as const).map(
      (url) => ['GET', url] as const,
    ),
    ...(['/get-artifact?run_id=@&path=a', '/get-artifact?run_id=RUN&path=@'] as const).map(
      (url) => ['GET', url] as const,
    ),
    ['GET', '/model-versions/get-artifact?name=m&version=@&path=a'],
    ['GET', '/graphql?query=@'],
    ['POST', '/ajax-api/2.0/mlflow/upload-artifact?run_uuid=RUN&path=@'],
    ['GET', `${artifacts}?path=@`],
    ['GET', `${artifacts}/@`],
    ['PUT', `${artifacts}/@`],
    ['DELETE', `${artifacts}/x@`],
  ];
  it.each(targets)(
    '%s %s',
    async (method, url) => {
      for (const [kind, make] of Object.entries(awkwardTexts)) {
        for (const write of [encodeURIComponent, encodeURI]) {
          await judge(`${method} ${url}: ${kind}`, (size) => {
            const text = write(make(inTarget(size)).replaceAll(/[\uD800-\uDFFF]/g, ''));
            const target = url.replace('RUN', run).replace('@', () => text);
            return shell.inject({ method, url: target, ...(method === 'GET' ? {} : { payload: 'x' }) });
          });
        }
      }
    },
    300_000,
  );

  it('headers', async () => {
    const names = ['host', 'origin', 'authorization', 'x-api-key', 'traceparent', 'x-request-id', 'content-type'];
    for (const name of [...names, 'range', 'if-none-match', 'accept-encoding', 'content-encoding', 'x-mlflow-run-id']) {
      for (const [kind, make] of Object.entries(awkwardTexts)) {
        await judge(`${name}: ${kind}`, (size) => {
          const value = make(inTarget(size)).replaceAll(/[^\t\x20-\x7e]/g, '');
          return shell.inject({
            method: 'POST',
            url: '/api/2.0/mlflow/runs/create',
            headers: { ...json, [name]: value },
            payload: '{}',
          });
        });
      }
    }
  }, 300_000);
});
