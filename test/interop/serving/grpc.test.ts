import { execFile } from 'node:child_process';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

import { createKey, keyOf, keyVerifier, type KeyStore, type StoredKey } from '../../../src/auth/index.ts';
import { MemorySource } from '../../../src/serve/index.ts';
import { temporaryFolder } from '../../cli.ts';
import { identityModel } from '../../support/onnx.ts';
import { startForTest, sum } from '../../support/serving.ts';
import { describeWithTool } from '../../tools.ts';

const run = promisify(execFile);
const script = path.join(import.meta.dirname, 'python/check_grpc.py');

const floats = ['float32', 'float64', 'float16'] as const;
const others = ['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'bool'] as const;
/** Every type, by its name in the protocol. */
const types = [
  ...floats.map((type) => [type.replace('float', 'FP'), type] as const),
  ...others.map((type) => [type.toUpperCase(), type] as const),
  ['BYTES', 'string'] as const,
];

describeWithTool('triton', 'gRPC', ({ triton: python }) => {
  it("answers Triton's own client in all calls, types, errors, streams, with TLS and keys", async () => {
    const dir = temporaryFolder();
    const [certificate, privateKey] = [path.join(dir, 'cert.pem'), path.join(dir, 'key.pem')];
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    await run('openssl', ['req', '-x509', ...made, ...subject, '-keyout', privateKey, '-out', certificate]);

    const source = new MemorySource().add('m', '1', sum()).add('other', '1', sum(2));
    for (const [v2, type] of types) source.add(`id_${v2}`, '1', identityModel(type, ['N', 2]));
    const bodyLimit = 1024 * 1024;
    const plain = await startForTest(source, { grpc: { port: 0 }, bodyLimit, serverVersion: '1.2.3' });

    let keys: readonly StoredKey[] = [];
    const store: KeyStore = { load: () => keys, save: (all) => (keys = all), revision: () => String(keys.length) };
    const { secret } = createKey(store, { name: 'tests', scopes: ['predict'] });
    const check = keyVerifier(store);
    const secure = await startForTest(source, {
      grpc: { port: 0, tls: { certificate, key: privateKey } },
      verify: ({ headers }, scope) => check(keyOf(headers), scope === 'admin' ? 'admin' : 'predict'),
    });

    const addresses = [plain, secure].map(({ grpcPort }) => `127.0.0.1:${grpcPort}`);
    const { stdout } = await run(python, [script, ...addresses, certificate, secret]);
    expect(stdout.trim()).toBe('grpc ok');

    // Counted like any other request, and in the metrics of the model.
    const { versions } = await plain.control.snapshot();
    const stats = versions.find(({ model, arm }) => model === 'm' && arm === undefined)?.stats;
    expect(stats).toMatchObject({ success: 102 });
    const page = await (await fetch(`${plain.listening.url}/metrics`)).text();
    expect(page).toMatch(/http_requests_total\{[^}]*method="GRPC"[^}]*status="200"[^}]*\} \d+/);
    expect(page).toMatch(/http_requests_total\{[^}]*method="GRPC"[^}]*status="404"[^}]*\} \d+/);
  }, 120_000);
});
