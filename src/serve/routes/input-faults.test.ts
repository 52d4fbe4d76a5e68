import { describe, expect, it } from 'vitest';

import { identityModel } from '../../../test/support/onnx.ts';
import { expectAlive, fine, post, startForTest, sum } from '../../../test/support/serving.ts';
import { MemorySource, type RunningServer } from '../index.ts';

// Groups 1 to 3 of the faults: what requests hold. Those of bodies, models and connections are in faults.test.ts.

/** Each path must answer with one of the statuses and a JSON error, and the server must go on. */
async function expectRefused(
  server: RunningServer,
  cases: readonly [unknown, Record<string, string>?][],
  statuses = [400],
) {
  for (const url of ['/predict', '/v2/models/m/infer', '/invocations']) {
    for (const [body, headers] of cases) {
      const answer = await post(server, url, body, headers);
      const label = `${url} ${String(body).slice(0, 60)}`;
      expect(statuses, label).toContain(answer.status);
      if (answer.headers.get('content-type')?.startsWith('application/json') === true) {
        expect(JSON.stringify(answer.json()), label).toMatch(/error/);
        expect(answer.text, label).not.toMatch(/\bat .*\.(ts|js):\d+/);
      }
    }
  }
  await expectAlive(server);
}

describe('1 bodies that are not JSON', () => {
  it('are refused with 400, whatever they are', async () => {
    const server = await startForTest(new MemorySource().add('m', '1', sum()));
    const nested = '['.repeat(500_000);
    await expectRefused(server, [
      ['{"inputs": '],
      [''],
      ['nonsense'],
      [nested],
      [`${nested}${']'.repeat(500_000)}`],
      [`{"inputs":${nested}${']'.repeat(500_000)}}`],
      ['{"__proto__": {"x": 1}}'],
      ['{"constructor": {"prototype": {}}}'],
      [Buffer.from([0xff, 0xfe, 0, 1])],
      ['{"inputs": {"x": [[1, 2]]} trailing}'],
      // Numbers beyond 2^53 where none are expected: messages show them.
      ['{"inputs": 9007199254740993, "query": [NaN], "id": 9007199254740993, "model_version": 18446744073709551616}'],
      ['{"inputs": [{"name": [9007199254740993, NaN], "shape": {"a": 9007199254740993}, "datatype": NaN}]}'],
      ['{"dataframe_split": {"columns": [{"toString": 1}], "data": [[NaN]]}}', { 'content-type': 'application/json' }],
    ]);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it('may begin with a byte order mark and repeat a key', async () => {
    const server = await startForTest(new MemorySource().add('m', '1', sum()));
    expect((await post(server, '/predict', `\ufeff${JSON.stringify(fine)}`)).status).toBe(200);
    expect((await post(server, '/predict', '{"x":[[9,9]],"x":[[1,2]]}')).json()).toMatchObject({
      outputs: { y: [[3]] },
    });
  });
});

describe('2 and 3 inputs that do not fit', () => {
  it('are refused with their path', async () => {
    const server = await startForTest(new MemorySource().add('m', '1', sum()));
    for (const x of [
      [],
      [[]],
      [[1]],
      [[1, 2], [3]],
      [[1, [2]]],
      [[1, {}]],
      [[1, 'two']],
      [[true, 1]],
      'text',
      {},
      7,
      [[[1, 2]]],
    ]) {
      const answer = await post(server, '/predict', { inputs: { x } });
      expect([answer.status, answer.json()], JSON.stringify(x)).toEqual([
        400,
        expect.objectContaining({
          error: expect.objectContaining({ code: 'invalid_input', path: expect.stringContaining('x') }),
        }),
      ]);
    }
    const empty = await post(server, '/predict', { inputs: { x: [] } });
    expect(empty.json()).toMatchObject({ error: { path: 'inputs.x', got: 'an empty list' } });
    const half = await post(server, '/predict/similarity', { query: [1, 2] });
    expect(half.json()).toMatchObject({ error: { path: 'candidates', got: "no 'candidates'" } });
    await expectAlive(server);
  });

  it('keeps -0, lone surrogates and long texts, and an empty batch', async () => {
    const source = new MemorySource().add('s', '1', identityModel('string')).add('m', '1', sum());
    const server = await startForTest(source);
    const long = 'é'.repeat(500_000);
    expect((await post(server, '/predict', { model: 's', inputs: { x: ['', long] } })).json()).toMatchObject({
      outputs: { y: ['', long] },
    });
    expect((await post(server, '/predict', '{"model":"s","x":["a\\ud800b"]}')).status).toBe(200);
    const empty = { inputs: [{ name: 'x', shape: [0, 2], datatype: 'FP32', data: [] }] };
    expect((await post(server, '/v2/models/m/infer', empty)).json()).toMatchObject({
      outputs: [{ shape: [0, 1], data: [] }],
    });
  });
});

describe('2 tensors of the Open Inference Protocol that do not fit', () => {
  const tensor = (changes: Record<string, unknown>) => ({
    inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2], ...changes }],
  });
  const cases: readonly [what: string, body: unknown, says: RegExp][] = [
    ['no inputs', {}, /inputs: expected a list of tensors, got nothing/],
    ['inputs that are no list', { inputs: { x: 1 } }, /inputs: expected a list of tensors/],
    ['an empty list', { inputs: [] }, /expected the input 'x', got no inputs/],
    ['an unknown name', tensor({ name: 'z' }), /inputs\[0\]\.name: expected one of x, got "z"/],
    ['a name that is no text', tensor({ name: 7 }), /inputs\[0\]\.name/],
    ['the same name twice', { inputs: [...tensor({}).inputs, ...tensor({}).inputs] }, /'x' twice/],
    ['no data', tensor({ data: undefined }), /inputs\[0\]\.data: expected a list of 2 values, got nothing/],
    ['too few values', tensor({ data: [1] }), /expected 2 values for shape \[1, 2\], got 1 values/],
    ['too many values', tensor({ data: [1, 2, 3] }), /got 3 values/],
    ['no shape', tensor({ shape: undefined }), /inputs\[0\]\.shape: expected a list of sizes, got nothing/],
    ['a negative size', tensor({ shape: [-1, 2] }), /shape\[0\]: expected a whole number from 0 on, got -1/],
    ['a fraction', tensor({ shape: [0.5, 2] }), /got 0\.5/],
    ['a size as text', tensor({ shape: ['1', 2] }), /got "1"/],
    ['a size without measure', tensor({ shape: [1e300, 2] }), /shape\[0\]/],
    ['sizes whose product has no measure', tensor({ shape: [4e9, 2] }), /at most 2147483648 values/],
    ['another rank', tensor({ shape: [2] }), /expected shape \[N, 2\], got shape \[2\]/],
    ['other sizes', tensor({ shape: [2, 1] }), /expected shape \[N, 2\], got shape \[2, 1\]/],
    ['another type', tensor({ datatype: 'FP64' }), /inputs\[0\]\.datatype: expected FP32, got "FP64"/],
    ['an unknown type', tensor({ datatype: 'FLOAT' }), /got "FLOAT"/],
    ['a type in lower case', tensor({ datatype: 'fp32' }), /got "fp32"/],
    ['no type', tensor({ datatype: undefined }), /got nothing/],
    [
      'ragged lists',
      tensor({ shape: [2, 2], data: [[1, 2], [3]] }),
      /data\[1\]: expected a list of 2 values, got 1 values/,
    ],
    ['lists of another shape', tensor({ data: [[1], [2]] }), /expected shape \[1, 2\], got shape \[2, 1\]/],
    [
      'an unknown output',
      { ...tensor({}), outputs: [{ name: 'q' }] },
      /outputs\[0\]: expected one of y, got q|got 'q'/,
    ],
    ['outputs that are no list', { ...tensor({}), outputs: 'y' }, /outputs: expected a list of outputs/],
    ['an id that is no text', { ...tensor({}), id: 7 }, /id: expected a string, got 7/],
  ];

  it('are refused with 400 and the place, what was expected and what came', async () => {
    const server = await startForTest(new MemorySource().add('m', '1', sum()));
    for (const [what, body, says] of cases) {
      const answer = await post(server, '/v2/models/m/infer', body);
      expect(answer.status, what).toBe(400);
      expect((answer.json() as { error: string }).error, what).toMatch(says);
    }
    expect((await post(server, '/v2/models/m/infer', tensor({}))).status).toBe(200);
  });
});

describe('3 values that do not fit their type', () => {
  const types = { FP32: 'float32', FP64: 'float64', FP16: 'float16', BOOL: 'bool', BYTES: 'string' } as const;
  const integers = { UINT8: 'uint8', INT8: 'int8', INT32: 'int32', INT64: 'int64', UINT64: 'uint64' } as const;
  const all = { ...types, ...integers };
  type V2 = keyof typeof all;
  const refused: readonly [type: V2, values: string][] = [
    ...(['FP32', 'FP64', 'FP16'] as const).flatMap((type) =>
      ['"text"', 'true', '{}', '""', '"1.5"'].map((value): [V2, string] => [type, value]),
    ),
    ...(['BOOL', 'BYTES', 'INT64'] as const).flatMap((type) =>
      ['null', '{}', '1.5'].map((v): [V2, string] => [type, v]),
    ),
    ['BOOL', '1'],
    ['BOOL', '"true"'],
    ['BYTES', '7'],
    ['BYTES', 'true'],
    // The runtime would cut it there.
    ['BYTES', '"a\\u0000b"'],
    ['UINT8', '256'],
    ['UINT8', '-1'],
    ['INT8', '-129'],
    ['INT8', '128'],
    ['INT32', '2147483648'],
    ['INT32', 'true'],
    ['INT32', '"7"'],
    ['INT64', '9223372036854775808'],
    ['INT64', 'NaN'],
    ['UINT64', '-1'],
    ['UINT64', '18446744073709551616'],
  ];
  const taken: readonly [type: V2, value: string, answered: string][] = [
    ['FP32', 'null', 'null'],
    ['FP32', 'NaN', 'null'],
    ['FP32', '"NaN"', 'null'],
    ['FP32', '"-Infinity"', 'null'],
    ['FP32', '1e400', 'null'],
    ['FP64', '-0.0', '-0.0'],
    ['FP64', '1e308', '1e+308'],
    ['FP16', '0.1', '0.0999755859375'],
    ['UINT8', '255', '255'],
    ['INT8', '-128', '-128'],
    ['INT64', '9007199254740993', '9007199254740993'],
    ['INT64', '-9223372036854775808', '-9223372036854775808'],
    ['UINT64', '18446744073709551615', '18446744073709551615'],
    ['BOOL', 'true', 'true'],
    ['BYTES', '""', '""'],
    ['BYTES', '"é\\n☃"', '"é\\n☃"'],
  ];

  it('are refused with 400 naming the value; what fits is answered exactly', async () => {
    const source = new MemorySource().add('m', '1', sum());
    for (const [v2, type] of Object.entries(all)) source.add(v2, '1', identityModel(type));
    const server = await startForTest(source);
    const send = (type: V2, value: string) =>
      post(
        server,
        `/v2/models/${type}/infer`,
        `{"inputs":[{"name":"x","shape":[1],"datatype":"${type}","data":[${value}]}]}`,
      );
    for (const [type, value] of refused) {
      const answer = await send(type, value);
      expect([answer.status, answer.text], `${type} ${value}`).toEqual([
        400,
        expect.stringContaining('inputs[0].data[0]'),
      ]);
      const native = await post(server, '/predict', `{"model":"${type}","inputs":{"x":[${value}]}}`);
      expect([native.status, native.text], `${type} ${value}`).toEqual([400, expect.stringContaining('inputs.x[0]')]);
    }
    for (const [type, value, answered] of taken) {
      expect((await send(type, value)).text, `${type} ${value}`).toContain(`"data":[${answered}]`);
    }
    expect((await post(server, '/predict', fine)).status).toBe(200);
  });
});
