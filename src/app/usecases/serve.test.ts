import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { expect, it } from 'vitest';

import { silentLogger } from '../../base/index.ts';
import { serveModels } from './serve.ts';

it('lets Python load files, folders and runs only with --trust', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'trust-'));
  fs.writeFileSync(path.join(dir, 'MLmodel'), 'flavors:\n  python_function: {loader_module: mlflow.sklearn}\n');
  const attempt = (places: { sources: string[]; modelsDir?: string }) =>
    serveModels({
      ...places,
      ...{
        cwd: dir,
        host: '127.0.0.1',
        port: 0,
        keyFile: path.join(dir, 'keys'),
        serverVersion: '0',
        log: silentLogger,
      },
      openStore: () => Promise.reject(new Error('not needed')),
      runtime: { kind: 'python', trust: false, python: {} },
    });
  for (const places of [{ sources: [dir] }, { sources: ['runs:/abc/model'] }, { sources: [], modelsDir: '.' }]) {
    await expect(attempt(places)).rejects.toMatchObject({ code: 'untrusted_model', message: /runs its code/ });
  }
  fs.rmSync(dir, { recursive: true });
});
