import { describe, expect, it } from 'vitest';

import { buildOnnx, identityModel, linearModel } from '../../../test/support/onnx.ts';
import { post, startForTest } from '../../../test/support/serving.ts';
import { MemorySource, type RunningServer } from '../index.ts';

interface Operation {
  readonly security?: unknown;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: {
    readonly content: Record<string, { readonly examples: Record<string, { readonly value: object }> }>;
  };
}

async function described(server: RunningServer): Promise<Record<string, Record<string, Operation>>> {
  const answer = await fetch(`${server.listening.url}/openapi.json`);
  return ((await answer.json()) as { paths: Record<string, Record<string, Operation>> }).paths;
}

const embedding = linearModel(2, 2, () => 1);
const two = buildOnnx({
  inputs: [
    { name: 'age', type: 'float32', shape: ['N', 1] },
    { name: 'city', type: 'string', shape: ['N', 1] },
    { name: 'scale', type: 'int64', shape: [] },
  ],
  outputs: [{ name: 'y', type: 'float32', shape: ['N', 1] }],
  nodes: [{ op: 'Identity', inputs: ['age'], outputs: ['y'] }],
});

describe('the documentation', () => {
  it('has examples that the server takes, of every protocol and model', async () => {
    const server = await startForTest(
      new MemorySource()
        .add('embedding', '1', embedding)
        .add('two', '1', two)
        .add('flags', '1', identityModel('bool'))
        .add('half', '1', identityModel('float16')),
    );
    const paths = await described(server);
    const sent: string[] = [];
    for (const path of ['/predict', '/predict/similarity', '/invocations', '/v2/models/{model}/infer']) {
      const examples = paths[path]?.['post']?.requestBody?.content['application/json']?.examples ?? {};
      for (const [model, { value }] of Object.entries(examples)) {
        const named = 'model' in value || path.includes('{model}');
        const answer = await post(server, path.replace('{model}', model) + (named ? '' : `?model=${model}`), value);
        expect([answer.status, answer.text], `${path} ${model}`).toEqual([200, expect.any(String)]);
        sent.push(`${path} ${model}`);
      }
    }
    const all = ['embedding', 'two', 'flags', 'half'];
    expect(sent).toEqual([
      ...all.map((model) => `/predict ${model}`),
      '/predict/similarity embedding',
      ...all.map((model) => `/invocations ${model}`),
      ...all.map((model) => `/v2/models/{model}/infer ${model}`),
    ]);
  });

  it('names paths that exist, with the ones that need no key', async () => {
    const server = await startForTest(new MemorySource().add('m', '1', embedding));
    for (const [path, methods] of Object.entries(await described(server))) {
      for (const [method, { security }] of Object.entries(methods)) {
        const url = server.listening.url + path.replace('{model}', 'm').replace('{version}', '1');
        const answer = await fetch(url, { method: method.toUpperCase() });
        expect([404, 405], `${method} ${path}`).not.toContain(answer.status);
        if (security !== undefined) expect([method, answer.status], path).toEqual(['get', 200]);
      }
    }
  });
});
