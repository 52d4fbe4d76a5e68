import * as http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';

import { linearModel } from '../../../test/support/onnx.ts';
import { startForTest } from '../../../test/support/serving.ts';
import { until } from '../../../test/support/until.ts';
import { MemorySource, type ModelRef, type OpenModel, type RunningServer, type ServeOptions } from '../index.ts';

/** Versions of one model: version n answers n times the sum of a row. Knows which of them are open. */
class Versions extends MemorySource {
  readonly opened = new Map<string, number>();

  constructor(count: number) {
    super();
    for (let version = 1; version <= count; version++) {
      const times = linearModel(
        2,
        1,
        () => version,
        () => 0,
      );
      this.add('m', String(version), times);
    }
    this.point('m', 'default', '1');
  }

  override async open(ref: ModelRef): Promise<OpenModel> {
    const open = await super.open(ref);
    this.#count(ref.version, 1);
    const release = (): Promise<void> => {
      this.#count(ref.version, -1);
      return open.release();
    };
    return { ...open, release };
  }

  #count(version: string, by: number): void {
    this.opened.set(version, (this.opened.get(version) ?? 0) + by);
  }

  get openNow(): string[] {
    return [...this.opened].filter(([, count]) => count > 0).map(([version]) => version);
  }
}

const start = (source: Versions, options: Partial<ServeOptions> = {}): Promise<RunningServer> =>
  startForTest(source, options, 5_000);

interface Slow {
  /** Sends the rest of the body and gives what was answered. */
  finish(): Promise<{ status: number; body: string }>;
  abort(): void;
}

/** A request whose body does not end by itself. */
function slowly(server: RunningServer, url: string, body: string, headers: Record<string, string> = {}): Slow {
  const half = body.length >> 1;
  const request = http.request(server.listening.url + url, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json', 'content-length': String(body.length), ...headers },
  });
  const answered = new Promise<{ status: number; body: string }>((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
  });
  answered.catch(() => undefined);
  request.write(body.slice(0, half));
  return {
    finish: () => {
      request.end(body.slice(half));
      return answered;
    },
    abort: () => request.destroy(),
  };
}

/** The three protocols: a request for a row, and which version and value an answer tells of. */
const protocols = [
  {
    url: '/predict',
    body: (a: number) => JSON.stringify({ inputs: { x: [[a, 1]] } }),
    told: (text: string) => {
      const { model_version: version, outputs } = JSON.parse(text) as {
        model_version: string;
        outputs: { y: number[][] };
      };
      return { version, value: outputs.y[0]?.[0] };
    },
  },
  {
    url: '/v2/models/m/infer',
    body: (a: number) =>
      JSON.stringify({ inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [a, 1] }], id: '1' }),
    told: (text: string) => {
      const { model_version: version, outputs } = JSON.parse(text) as {
        model_version: string;
        outputs: { data: number[] }[];
      };
      return { version, value: outputs[0]?.data[0] };
    },
  },
  {
    url: '/invocations',
    body: (a: number) => JSON.stringify({ inputs: { x: [[a, 1]] } }),
    // This protocol's answers name no version.
    told: (text: string) => ({
      version: undefined,
      value: (JSON.parse(text) as { predictions: { y: number[][] } }).predictions.y[0]?.[0],
    }),
  },
] as const;

describe('a request', () => {
  it('is answered by the version that was the default when it came, however late its body ends', async () => {
    const source = new Versions(4);
    const server = await start(source);
    const begun: { slow: Slow; told: (typeof protocols)[number]['told']; version: number; a: number }[] = [];
    for (let version = 1; version <= 3; version++) {
      for (const { url, body, told } of protocols) {
        const a = 10 * version;
        begun.push({ slow: slowly(server, url, body(a)), told, version, a });
      }
      await delay(50);
      await server.control.load('m', String(version + 1));
    }
    expect(source.openNow).toEqual(['1', '2', '3', '4']);
    for (const { slow, told, version, a } of begun.toReversed()) {
      const { status, body } = await slow.finish();
      expect(status, body).toBe(200);
      const answer = told(body);
      expect(answer.value).toBe(version * (a + 1));
      if (answer.version !== undefined) expect(answer.version).toBe(String(version));
    }
    await until(() => source.openNow.join() === '4', 'the versions before are released');
  });

  it('lets go of its version when its client goes away, when its body is none, and when the model is unloaded', async () => {
    const source = new Versions(3);
    const server = await start(source);
    const [predict] = protocols;
    const gone = protocols.map(({ url, body }) => slowly(server, url, body(1)));
    await delay(50);
    await server.control.load('m', '2');
    const bad = protocols.map(({ url }) => slowly(server, url, `{"inputs": ${' '.repeat(50)}`));
    await delay(50);
    await server.control.load('m', '3');
    const last = slowly(server, predict.url, predict.body(1));
    await delay(50);
    await server.control.unload('m');
    expect(source.openNow).toEqual(['1', '2', '3']);
    for (const slow of gone) slow.abort();
    await until(() => source.openNow.join() === '2,3', 'those that went away hold nothing');
    for (const slow of bad) expect((await slow.finish()).status).toBe(400);
    await until(() => source.openNow.join() === '3', 'bad ones hold nothing');
    expect(await last.finish()).toMatchObject({ status: 200, body: expect.stringContaining('"y":[[6]]') });
    await until(() => source.openNow.length === 0, 'the last one holds nothing');
  });

  it('is bound anew where its body names another version or model', async () => {
    const server = await start(new Versions(3));
    const [predict] = protocols;
    const named = slowly(
      server,
      '/predict',
      JSON.stringify({ model: 'm', model_version: '3', inputs: { x: [[1, 1]] } }),
    );
    const queried = slowly(server, '/predict?model_version=2', predict.body(1));
    await delay(50);
    await server.control.load('m', '3');
    expect(predict.told((await named.finish()).body)).toEqual({ version: '3', value: 6 });
    expect(predict.told((await queried.finish()).body)).toEqual({ version: '2', value: 4 });
    for (const url of ['/v2/models/nobody/infer', '/invocations?model=nobody']) {
      expect((await slowly(server, url, predict.body(1)).finish()).status, url).toBe(404);
    }
  });
});

it('50 swaps under load: bodies arrive slowly, none fails, each answer is that of the version it names', async () => {
  const source = new Versions(50);
  const server = await start(source);
  let swapping = true;
  let answered = 0;
  const client = async (place: number): Promise<void> => {
    for (let a = place; swapping; a++) {
      const { url, body, told } = protocols[a % protocols.length] ?? protocols[0];
      const slow = slowly(server, url, body(a));
      await delay((a * 7) % 30);
      const { status, body: text } = await slow.finish();
      expect(status, text).toBe(200);
      const { version, value } = told(text);
      if (version !== undefined) expect(value).toBe(Number(version) * (a + 1));
      else expect(Number(value) % (a + 1)).toBe(0);
      answered++;
    }
  };
  const clients = Array.from({ length: 8 }, (_, place) => client(place));
  for (let version = 2; version <= 50; version++) await server.control.load('m', String(version));
  await server.control.load('m', '1');
  swapping = false;
  await Promise.all(clients);
  expect(answered).toBeGreaterThan(50);
  await until(() => source.openNow.join() === '1', 'only the last version is held');
}, 60_000);
