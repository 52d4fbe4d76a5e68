import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStore } from '../../../../src/storage/index.ts';
import { describeWithTool } from '../../../tools.ts';
import { openTwin, type Twin } from '../../../twin.ts';
import { minioPassword, minioUser, startMinio, type Minio } from '../../s3/minio.ts';
import { startWebServer, type WebServer } from './web-server.ts';

describeWithTool(['dvc', 'minio'], 'twins: S3 and HTTP', ({ dvc, minio: program }) => {
  let minio: Minio;
  let web: WebServer;
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
    web = await startWebServer();
  }, 60_000);
  afterAll(async () => {
    web.stop();
    await minio.stop();
  });

  /** Twins with the remote `m` on the bucket, credentials from the environment. */
  const open = (): Twin => {
    const env = { AWS_ACCESS_KEY_ID: minioUser, AWS_SECRET_ACCESS_KEY: minioPassword };
    const twin = openTwin({ dvc, env });
    const section = (remote: string, bucket: string): string =>
      `['remote "${remote}"']\n    url = s3://${bucket}\n    endpointurl = ${minio.endpoint}\n`;
    for (const { project, base, name } of twin.sides) {
      fs.writeFileSync(path.join(project, '.dvc/config.local'), `[core]\n    remote = own\n${section('m', 'bucket')}`);
      // Where each has a bucket of its own: in the user's configuration, which is not compared.
      fs.mkdirSync(path.dirname(userConfig(base)), { recursive: true });
      fs.writeFileSync(userConfig(base), section('own', `${name}/store`));
    }
    return twin;
  };

  it('import-url, get-url, list-url and update', async () => {
    const twin = open();
    twin.run(['import-url', 'remote://m/x.csv']);
    twin.run(['import-url', 's3://bucket/x.csv', 'y.csv', '--fs-config', `endpointurl=${minio.endpoint}`]);
    twin.run(['import-url', 'remote://m/x.csv', 'z.csv', '--no-exec']);
    twin.run(['import-url', 'remote://m/nope']);
    twin.run(['list-url', 'remote://m']);
    twin.run(['list-url', 'remote://m/dir', '-R', '--size']);
    twin.run(['list-url', 'remote://m/x.csv']);
    twin.run(['get-url', 'remote://m/dir', 'gg']);
    twin.run(['get-url', 'remote://m/x.csv', 'gg']);
    twin.run(['get-url', 'remote://m/x.csv', 'gg']);
    twin.run(['update', 'x.csv.dvc', 'y.csv.dvc']);
    const store = await openStore('s3://bucket', minio.options);
    await store.write('x.csv', Buffer.from('two two\n'));
    twin.run(['update', 'x.csv.dvc', 'y.csv.dvc']);
  }, 400_000);

  it('import-url and update of folders', async () => {
    const twin = open();
    // DVC also keeps a manifest of the source's etags in its cache, which nothing refers to.
    const run = (...args: string[]): void => {
      twin.run(args, { anyTree: true });
      const [theirs, ours] = twin.sides.map(({ project }) => {
        const names = fs.readdirSync(project).filter((name) => /.\.dvc$/.test(name));
        return names.sort().map((name) => fs.readFileSync(path.join(project, name), 'utf8'));
      });
      expect(ours).toEqual(theirs);
    };
    run('import-url', 'remote://m/dir');
    run('import-url', 'remote://m/dir', 'd2', '--no-download');
    const store = await openStore('s3://bucket', minio.options);
    await store.write('dir/new', Buffer.from('n\n'));
    run('update', 'dir.dvc');
  }, 300_000);

  it('import-url, get-url and update of a web server', () => {
    const twin = open();
    const { url } = web;
    fs.writeFileSync(path.join(web.folder, 'f.csv'), 'hello www\n');
    twin.run(['import-url', `${url}/f.csv`]);
    twin.run(['import-url', `${url}/nope`]);
    twin.run(['get-url', `${url}/f.csv`, 'g.csv']);
    twin.run(['update', 'f.csv.dvc']);
    fs.writeFileSync(path.join(web.folder, 'f.csv'), 'hello again, www\n');
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
    for (const { project, base, name } of twin.sides) {
      const config = userConfig(base);
      const other = name === 'dvc' ? 'mlops' : 'dvc';
      fs.writeFileSync(config, fs.readFileSync(config, 'utf8').replace(`s3://${name}/store`, `s3://${other}/store`));
      fs.rmSync(path.join(project, '.dvc/cache'), { recursive: true });
      for (const file of ['d', 'x', 'empty']) fs.rmSync(path.join(project, file), { recursive: true });
    }
    twin.run(['pull'], { anyTree: true });
    twin.run(['status']);
  }, 300_000);
});

function userConfig(base: string): string {
  return path.join(base, 'home/.config/dvc/config');
}
