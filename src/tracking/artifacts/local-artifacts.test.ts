import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

import { localArtifacts } from './local-artifacts.ts';

it('what killed uploads left behind is never listed, and goes once it is old', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-artifacts-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  const store = localArtifacts('mlflow-artifacts:/', folder);
  await store.put('a/b/kept.txt', Buffer.from('kept'));
  const [old, young] = ['.mlops-tmp-old', '.mlops-tmp-young'].map((name) => path.join(folder, 'a/b', name));
  for (const file of [old, young]) fs.writeFileSync(file ?? '', 'half');
  fs.utimesSync(old ?? '', new Date(0), new Date(0));
  expect((await store.list('a/b')).map((file) => file.path)).toEqual(['a/b/kept.txt']);
  expect(await store.sweep?.(60_000)).toBe(1);
  expect(fs.readdirSync(path.join(folder, 'a/b')).toSorted()).toEqual(['.mlops-tmp-young', 'kept.txt']);
  expect(await localArtifacts('mlflow-artifacts:/', path.join(folder, 'none')).sweep?.(0)).toBe(0);
});
