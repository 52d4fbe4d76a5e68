import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openTracking } from './open.ts';

describe('the address of a store', () => {
  let folder = '';
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-address-'));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  const refused = async (address: string): Promise<string> => {
    const error: unknown = await openTracking(address).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'invalid_value' });
    const { message, hint } = error as { message: string; hint: string };
    return `${message}; ${hint}`;
  };

  it('is made where a file is named', async () => {
    const store = await openTracking(path.join(folder, 'new', 'store.db'));
    await store.close();
    expect(fs.existsSync(path.join(folder, 'new', 'store.db'))).toBe(true);
    const explicit = await openTracking(`sqlite:///${folder}/store`);
    await explicit.close();
  });

  it('is no file store of MLflow: the command that copies it is named', async () => {
    const mlruns = path.join(folder, 'mlruns');
    fs.mkdirSync(path.join(mlruns, '0'), { recursive: true });
    fs.writeFileSync(path.join(mlruns, '0', 'meta.yaml'), 'name: Default\n');
    expect(await refused(mlruns)).toContain(`mlops migrate mlflow ${mlruns}`);
    expect(await refused(`file://${mlruns}`)).toContain('mlops migrate mlflow');
  });

  it('is no folder, and nothing is made in one', async () => {
    expect(await refused(folder)).toContain(`sqlite:///${folder}/mlops.db`);
    fs.mkdirSync(path.join(folder, '.mlops'));
    fs.writeFileSync(path.join(folder, '.mlops', 'mlops.db'), '');
    expect(await refused(folder)).toContain(`sqlite:///${folder}/.mlops/mlops.db`);
  });

  it.each(['127.0.0.1:5000', 'localhost:5000', 'tracking.example.com:80/mlflow', '[::1]:5000'])(
    'is no host without a scheme: %s',
    async (address) => expect(await refused(address)).toContain(`did you mean http://${address}?`),
  );

  it('is not made of a slip', async () => {
    expect(await refused(path.join(folder, 'mlrnus'))).toContain('there is no tracking store');
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  it.each(['mysql://me:pass@word@host/db', 'mysql+pymysql://host/db?user=me&password=pass'])(
    'is told without its password where it is of no kind: %s',
    async (address) => {
      const told = await refused(address);
      expect(told).toContain('host/db');
      expect(told).not.toMatch(/word@|=pass/);
    },
  );

  it.runIf(process.platform === 'linux')('is not looked for among what the kernel shows', async () => {
    expect(await refused('/proc/none/store.db')).toContain('holds no files');
  });
});
