import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  Fields,
  loggedModelStatuses,
  loggedModelToJson,
  modelVersionToJson,
  readBody,
  readLoggedModel,
  readModelVersion,
  readQuery,
  readRegisteredModel,
  readRun,
  registeredModelToJson,
  runStatuses,
  runToJson,
  stages,
  type Metric,
  type ModelVersion,
} from './index.ts';

const text = fc.string({ minLength: 1, maxLength: 8 });
const time = fc.nat();
const pairs = fc.array(fc.record({ key: text, value: fc.string() }), { maxLength: 3 });
const metric = fc.record({ key: text, value: fc.double(), timestamp: time, step: fc.integer() });
const lifecycle = fc.constantFrom('active' as const, 'deleted' as const);

const run = fc.record({
  info: fc.record({
    id: text,
    experimentId: text,
    name: fc.string(),
    userId: fc.string(),
    status: fc.constantFrom(...runStatuses),
    startTime: time,
    endTime: fc.option(time, { nil: undefined }),
    artifactUri: fc.string(),
    lifecycle,
  }),
  metrics: fc.array(metric, { maxLength: 3 }),
  params: pairs,
  tags: pairs,
  datasets: fc.array(
    fc.record({
      dataset: fc.record({
        name: text,
        digest: text,
        sourceType: text,
        source: text,
        schema: fc.option(fc.string(), { nil: undefined }),
        profile: fc.option(fc.string(), { nil: undefined }),
      }),
      tags: pairs,
    }),
    { maxLength: 2 },
  ),
  modelInputs: fc.array(text, { maxLength: 2 }),
  modelOutputs: fc.array(fc.record({ modelId: text, step: fc.nat() }), { maxLength: 2 }),
});

const version: fc.Arbitrary<ModelVersion> = fc.record({
  name: text,
  version: fc.nat().map(String),
  creationTime: time,
  lastUpdatedTime: time,
  userId: fc.string(),
  stage: fc.constantFrom(...stages),
  description: fc.string(),
  source: fc.string(),
  runId: fc.string(),
  runLink: fc.string(),
  modelId: fc.option(text, { nil: undefined }),
  status: fc.constant('READY' as const),
  statusMessage: fc.string(),
  tags: pairs,
  aliases: fc.array(text, { maxLength: 2 }),
});

function through<Thing>(toJson: (thing: Thing) => unknown, read: (fields: Fields) => Thing, thing: Thing): Thing {
  return read(readBody(Buffer.from(JSON.stringify(toJson(thing)))));
}

/** JSON has one zero. */
function withoutNegativeZero(points: readonly Metric[]): readonly Metric[] {
  return points.map((point) => ({ ...point, value: point.value === 0 ? 0 : point.value }));
}

describe('the wire', () => {
  it('carries runs both ways', () => {
    fc.assert(
      fc.property(run, (given) => {
        const expected = { ...given, metrics: withoutNegativeZero(given.metrics) };
        expect(through(runToJson, readRun, given)).toEqual(expected);
      }),
    );
  });

  it('carries versions, registered and logged models both ways', () => {
    fc.assert(
      fc.property(version, pairs, (given, tags) => {
        expect(through(modelVersionToJson, readModelVersion, given)).toEqual(given);
        const model = {
          name: given.name,
          creationTime: 1,
          lastUpdatedTime: 2,
          description: given.description,
          // Inside a model its versions have no aliases: the model has them.
          latestVersions: [{ ...given, aliases: [] }],
          tags,
          aliases: [{ alias: 'a', version: given.version }],
        };
        expect(through(registeredModelToJson, readRegisteredModel, model)).toEqual(model);
        const logged = {
          id: 'm-1',
          experimentId: '0',
          name: given.name,
          artifactUri: 'mlflow-artifacts:/0',
          creationTime: 1,
          lastUpdatedTime: 2,
          status: loggedModelStatuses[2],
          statusMessage: undefined,
          modelType: 'x',
          sourceRunId: '',
          tags,
          params: tags,
          metrics: [],
        };
        expect(through(loggedModelToJson, readLoggedModel, logged)).toEqual(logged);
      }),
    );
  });

  it('leaves out what is absent and writes odd doubles as text', () => {
    const json = JSON.stringify(
      [NaN, Infinity, -Infinity, 0.5].map((value) => new Fields({ value }).double('value')).map(String),
    );
    expect(json).toBe('["NaN","Infinity","-Infinity","0.5"]');
    for (const [given, number] of [
      ['NaN', NaN],
      ['-Infinity', -Infinity],
      ['1.5e3', 1500],
      [true, 1],
    ] as const) {
      expect(new Fields({ value: given }).double('value')).toBe(number);
    }
    expect(() => new Fields({ value: 'x' }).double('value')).toThrow("Hint: Value was of type 'str'");
    expect(new Fields({ value: 1.5 }).integer('value')).toBe(1);
    expect(() => new Fields({ value: '1.5' }).integer('value')).toThrow("was of type 'str'");
    expect(new Fields({ value: 2 ** 60 }).integer('value')).toBe(2 ** 60);
    expect(new Fields({ value: 2 ** 70 }).integer('value')).toBe(2 ** 63);
  });

  it('never throws anything but a refusal on a body of any JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          const fields = readBody(JSON.stringify(value));
          for (const name of ['a', 'b', 'run_id']) {
            for (const read of ['text', 'integer', 'double', 'texts', 'messages', 'flag'] as const) fields[read](name);
          }
        } catch (error) {
          expect(error).toMatchObject({ name: 'MlopsError' });
        }
      }),
    );
  });

  it('reads lists of queries, also of one', () => {
    const fields = readQuery({ stages: 'Production', other: ['a', 'b'] }, ['stages']);
    expect([fields.texts('stages'), fields.text('other')]).toEqual([['Production'], 'b']);
  });
});

it('halves of characters, which no store can keep, become U+FFFD in texts and names', () => {
  const read = (text: string): unknown => readBody(Buffer.from(text)).all();
  expect(read(String.raw`{"a": "x\ud800y", "\udfff": ["\ud83d\ude00", {"b": "\ude00\ud83d"}]}`)).toEqual({
    a: 'x\ufffdy',
    '\ufffd': ['\u{1f600}', { b: '\ufffd\ufffd' }],
  });
  expect(read(String.raw`{"a": "\\ud800 \ud83d\ude00", "b": 1}`)).toEqual({
    a: String.raw`\ud800` + ' \u{1f600}',
    b: 1,
  });
});
