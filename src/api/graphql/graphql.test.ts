import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createShell, type Shell } from '../../http/index.ts';
import { openTracking, type TrackingStore } from '../../tracking/index.ts';
import { addGraphql } from './register.ts';
import { parseQuery } from './parse.ts';

let store: TrackingStore;
let shell: Shell;

beforeEach(async () => {
  store = await openTracking('memory:', { artifacts: '/nowhere' });
  shell = await createShell();
  addGraphql(shell, '', store);
});

afterEach(async () => {
  await shell.close();
  await store.close();
});

async function ask(
  query: string,
  variables: object = {},
): Promise<{ data: Record<string, never>; errors: readonly string[] | null }> {
  const answer = await shell.inject({
    method: 'POST',
    url: '/graphql',
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify({ operationName: 'Q', query, variables }),
  });
  return answer.json();
}

const getRun = `query GetRun($data: MlflowGetRunInput!) @component(name: "MLflow.ExperimentRunTracking") {
  mlflowGetRun(input: $data) {
    apiError { code message __typename }
    run {
      info { runName status startTime ...More }
      experiment { experimentId name tags { key value } }
      modelVersions { name version }
      data { metrics { key value step timestamp } params { key value } }
      __typename
    }
  }
}
fragment More on MlflowRunInfo { lifecycleStage }`;

describe('GraphQL', () => {
  it('answers the page of a run in one query', async () => {
    const { info } = await store.createRun({ experimentId: '0', name: 'r', startTime: 5 });
    const metrics = [
      { key: 'a', value: 1, timestamp: 7, step: 2 },
      { key: 'b', value: NaN, timestamp: 7, step: 2 },
    ];
    await store.logBatch(info.id, { metrics });
    await store.createRegisteredModel('m');
    await store.createModelVersion({ name: 'm', source: `runs:/${info.id}/x`, runId: info.id });
    expect(await ask(getRun, { data: { runId: info.id } })).toEqual({
      errors: null,
      data: {
        mlflowGetRun: {
          apiError: null,
          run: {
            info: { runName: 'r', status: 'RUNNING', startTime: '5', lifecycleStage: 'active' },
            experiment: { experimentId: '0', name: 'Default', tags: [] },
            modelVersions: [{ name: 'm', version: '1' }],
            data: {
              metrics: [
                { key: 'a', value: 1, step: '2', timestamp: '7' },
                { key: 'b', value: null, step: '2', timestamp: '7' },
              ],
              params: [],
            },
            __typename: 'MlflowRunExtension',
          },
        },
      },
    });
  });

  it('searches, and says among the errors what the store refused', async () => {
    await store.createRun({ experimentId: '0', name: 'one' });
    const query = `{ found: mlflowSearchRuns(input: {experimentIds: ["0"], maxResults: 5, filter: "attributes.run_name = 'one'"}) { runs { info { runName } } }
      none: mlflowGetRun(input: {runId: "nope"}) { apiError { code } run { info { runId } } } }`;
    expect(await ask(query)).toEqual({
      data: {
        found: { runs: [{ info: { runName: 'one' } }] },
        none: null,
      },
      errors: ['Run with id=nope not found'],
    });
  });

  it('answers the two searches that MLflow calls mutations, and a folder has the size 0', async () => {
    const { info } = await store.createRun({ experimentId: '0', name: 'one' });
    const data = { name: 'd', digest: 'g', sourceType: 'l', source: 's' };
    await store.logInputs(info.id, [{ dataset: data, tags: [] }]);
    await store.artifacts(info.artifactUri).put('folder/file', Buffer.from('x'));
    expect(
      await ask(
        `mutation { mlflowSearchDatasets(input: {experimentIds: ["0"]}) { datasetSummaries { name digest } } }`,
      ),
    ).toEqual({ data: { mlflowSearchDatasets: { datasetSummaries: [{ name: 'd', digest: 'g' }] } }, errors: null });
    const files = `{ mlflowListArtifacts(input: {runId: "${info.id}"}) { files { path isDir fileSize } } }`;
    expect(await ask(files)).toEqual({
      data: { mlflowListArtifacts: { files: [{ path: 'folder', isDir: true, fileSize: '0' }] } },
      errors: null,
    });
  });

  it.each([
    ['subscription { a }', 'only queries'],
    ['{ nothing { a } }', "Cannot query field 'nothing'"],
    [
      `{ ${Array.from({ length: 11 }, (_, i) => `a${i}: mlflowGetRun { run { info { runId } } }`).join(' ')} }`,
      'at most 10 root fields, got 11 root fields',
    ],
    [
      `{ mlflowGetRun { ${Array.from({ length: 11 }, (_, i) => `a${i}: run { info { runId } }`).join(' ')} } }`,
      'at most 10 aliases, got 11 aliases',
    ],
    [`{ ${'a { '.repeat(30)} b ${'} '.repeat(30)} }`, 'deeply'],
    [`{ ...F } fragment F on Query { ...F }`, 'deeply'],
    [`{ ${'a '.repeat(2_000)} }`, 'fields'],
    [
      `{ ...F0 } ${Array.from({ length: 9 }, (_, i) => `fragment F${i} on Q { ${`...F${i + 1} `.repeat(9)}}`).join(' ')} fragment F9 on Q { }`,
      'fields',
    ],
    ['{ a', 'not closed'],
    ['x'.repeat(30_000), 'too long'],
  ])('refuses %.40s', async (query, reason) => {
    const answer = await ask(query);
    expect([answer.data, answer.errors?.[0]?.includes(reason)]).toEqual([null, true]);
  });

  it('never fails on any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}()[]:$@!=."a1 fragmenton,#\n'.split('')) }), (text) => {
        try {
          parseQuery(text, {});
        } catch (error) {
          expect(error).toMatchObject({ name: 'MlopsError' });
        }
      }),
    );
  });
});
