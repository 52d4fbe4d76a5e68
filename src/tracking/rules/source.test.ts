import * as os from 'node:os';
import * as path from 'node:path';
import { expect, it } from 'vitest';

import { openTracking } from '../index.ts';

const folder = path.join(os.tmpdir(), 'mlops-own-root');

it.each([
  ['a path', folder],
  ['a file URI', `file://${folder}`],
  ['an address of the artifact proxy', 'http://127.0.0.1:5000/api/2.0/mlflow-artifacts/artifacts'],
  ['the default', undefined],
])("a version's source may lie below the server's own artifact root: %s", async (_, artifactRoot) => {
  const store = await openTracking('memory:', { artifacts: folder, artifactRoot });
  const [mine, other] = await Promise.all([0, 1].map(async () => (await store.createRun({ experimentId: '0' })).info));
  const model = await store.createLoggedModel({ experimentId: '0', name: 'logged' });
  await store.createRegisteredModel('m');
  const runId = mine?.id ?? '';
  for (const source of [mine?.artifactUri ?? '', `${mine?.artifactUri}/model`]) {
    const { version } = await store.createModelVersion({ name: 'm', source, runId });
    expect(await store.getDownloadUri('m', version)).toBe(source);
    expect(await store.artifacts(source).list()).toEqual([]);
  }
  await store.createModelVersion({ name: 'm', source: model.artifactUri, modelId: model.id });
  for (const source of [other?.artifactUri ?? '', `${mine?.artifactUri}/../x`, `${mine?.artifactUri}/%2e%2e/x`]) {
    await expect(store.createModelVersion({ name: 'm', source, runId })).rejects.toMatchObject({
      code: 'invalid_value',
    });
  }
  await store.close();
});

it('a prompt has no files: its source is a placeholder, and its name is no model', async () => {
  const store = await openTracking('memory:');
  const tags = [{ key: 'mlflow.prompt.is_prompt', value: 'true' }];
  await store.createRegisteredModel('p', { tags });
  await store.createRegisteredModel('m');
  await store.createModelVersion({ name: 'p', source: 'dummy-source', tags });
  for (const source of ['/etc', 'file:///etc', 's3://bucket/key', 'anything']) {
    await expect(store.createModelVersion({ name: 'p', source, tags })).rejects.toThrow('Invalid prompt source');
  }
  const taken = (name: string, options = {}) => expect(store.createRegisteredModel(name, options)).rejects;
  await taken('p', { tags }).toThrow('Prompt (name=p) already exists.');
  await taken('m').toThrow('Registered Model (name=m) already exists.');
  await taken('p').toThrow(
    "Tried to create a registered model with name 'p', but the name is already taken by a prompt.",
  );
  await taken('m', { tags }).toThrow(
    "Tried to create a prompt with name 'm', but the name is already taken by a registered model.",
  );
  const found = async (filter: string) =>
    (await store.searchRegisteredModels({ filter })).items.map(({ name }) => name);
  expect(await found("tags.`mlflow.prompt.is_prompt` = 'false'")).toEqual(['m']);
  expect(await found("tags.`mlflow.prompt.is_prompt` != 'true'")).toEqual(['m']);
  expect(await found("tags.`mlflow.prompt.is_prompt` = 'true'")).toEqual(['p']);
  await expect(store.searchRegisteredModels({ orderBy: ['creation_timestamp'] })).rejects.toThrow('Invalid');
  await store.close();
});
