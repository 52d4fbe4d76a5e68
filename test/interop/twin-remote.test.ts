import * as fs from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStore } from '../../src/storage/index.ts';
import { describeWithTool } from '../tools.ts';
import { openTwin, type Twin } from '../twin.ts';
import { minioPassword, minioUser, startMinio, type Minio } from './minio.ts';

describeWithTool(['dvc', 'minio'], 'twins: S3 and HTTP', ({ dvc, minio: program }) => {
  let minio: Minio;
  let web: http.Server;
  const files = new Map<string, string>();
  beforeAll(async () => {
    minio = await startMinio(program);
    for (const name of ['bucket', 'dvc', 'mlops']) minio.makeBucket(name);
    const store = await openStore('s3://bucket', minio.options);
    for (const [key, text] of [
      ['x.csv', 'one\n'],
      ['dir/a', 'aa\n'],
      ['dir/k/b', 'bbb\n'],
    ] as const) {
      await store.write(key, Buffer.from(text));
    }
    web = http.createServer((request, response) => {
      const text = files.get(request.url ?? '');
      if (text === undefined) return void response.writeHead(404).end();
      response.writeHead(200, { etag: `"v-${text.length}"`, 'content-length': text.length });
      response.end(request.method === 'HEAD' ? undefined : text);
    });
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  }, 60_000);
  afterAll(async () => {
    web.close();
    web.closeAllConnections();
    await minio.stop();
  });

  /** Twins with the remote `m` on the bucket, credentials from the environment. */
  const open = (): Twin => {
    const env = { AWS_ACCESS_KEY_ID: minioUser, AWS_SECRET_ACCESS_KEY: minioPassword };
    const twin = openTwin({ dvc, env });
    for (const { project, name } of twin.sides) {
      const section = (remote: string, bucket: string): string =>
        `['remote "${remote}"']\n    url = s3://${bucket}\n    endpointurl = ${minio.endpoint}\n`;
      const text = `[core]\n    remote = own\n${section('m', 'bucket')}${section('own', `${name}/store`)}`;
      fs.writeFileSync(path.join(project, '.dvc/config.local'), text);
    }
    return twin;
  };

  it('import-url, get-url, list-url and update', async () => {
    const twin = open();
    twin.run(['import-url', 'remote://m/x.csv']);
    twin.run(['import-url', 'remote://m/dir']);
    twin.run(['import-url', 'remote://m/dir', 'd2', '--no-download']);
    twin.run(['import-url', 's3://bucket/x.csv', 'y.csv', '--fs-config', `endpointurl=${minio.endpoint}`]);
    twin.run(['import-url', 'remote://m/x.csv', 'z.csv', '--no-exec']);
    twin.run(['import-url', 'remote://m/nope']);
    twin.run(['list-url', 'remote://m']);
    twin.run(['list-url', 'remote://m/dir', '-R', '--size']);
    twin.run(['list-url', 'remote://m/x.csv']);
    twin.run(['get-url', 'remote://m/dir', 'gg']);
    twin.run(['get-url', 'remote://m/x.csv', 'gg']);
    twin.run(['get-url', 'remote://m/x.csv', 'gg']);
    twin.run(['update', 'x.csv.dvc', 'dir.dvc', 'y.csv.dvc']);
    const store = await openStore('s3://bucket', minio.options);
    await store.write('x.csv', Buffer.from('two two\n'));
    await store.write('dir/new', Buffer.from('n\n'));
    twin.run(['update', 'x.csv.dvc', 'dir.dvc', 'y.csv.dvc']);
  }, 400_000);

  it('import-url, get-url and update of a web server', () => {
    const twin = open();
    const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
    files.set('/f.csv', 'hello www\n');
    twin.run(['import-url', `${url}/f.csv`]);
    twin.run(['import-url', `${url}/nope`]);
    twin.run(['get-url', `${url}/f.csv`, 'g.csv']);
    twin.run(['update', 'f.csv.dvc']);
    files.set('/f.csv', 'hello again, www\n');
    twin.run(['update', 'f.csv.dvc']);
  }, 200_000);

  it('push to S3: the same objects, and each tool pulls what the other pushed', async () => {
    const twin = open();
    twin.write('d/a', 'a');
    twin.write('d/sub/b', 'bb');
    twin.write('x', 'xx');
    twin.write('empty', '');
    twin.run(['add', 'd', 'x', 'empty']);
    twin.run(['push']);
    twin.run(['push']);
    const names = async (bucket: string): Promise<string[]> => {
      const store = await openStore(`s3://${bucket}/store`, minio.options);
      const keys: string[] = [];
      for await (const { key } of store.list('')) keys.push(key);
      return keys.sort();
    };
    expect(await names('mlops')).toEqual(await names('dvc'));
    // Each takes the other's bucket from here on.
    for (const { project, name } of twin.sides) {
      const config = path.join(project, '.dvc/config.local');
      const other = name === 'dvc' ? 'mlops' : 'dvc';
      fs.writeFileSync(config, fs.readFileSync(config, 'utf8').replace(`s3://${name}/store`, `s3://${other}/store`));
      fs.rmSync(path.join(project, '.dvc/cache'), { recursive: true });
      for (const file of ['d', 'x', 'empty']) fs.rmSync(path.join(project, file), { recursive: true });
    }
    twin.run(['pull'], { anyTree: true });
    twin.run(['status']);
  }, 300_000);
});
