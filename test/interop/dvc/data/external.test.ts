import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openStore } from '../../../../src/storage/index.ts';
import { describeWithTool } from '../../../tools.ts';
import { openTwin, type Twin } from '../../../twin.ts';
import { minioPassword, minioUser, startMinio, type Minio } from '../../s3/minio.ts';
import { startWebServer, type WebServer } from './web-server.ts';

// Each step starts two Python processes or so: minutes on a busy machine.
vi.setConfig({ testTimeout: 300_000 });

describeWithTool(
  ['dvc', 'minio'],
  'twins: what stages read and make outside the project',
  ({ dvc, minio: program }) => {
    let minio: Minio;
    let web: WebServer;
    beforeAll(async () => {
      minio = await startMinio(program);
      minio.makeBucket('bucket');
      await put({ 'x.csv': 'one\n', 'dir/a': 'aa\n', 'dir/k/b': 'bbb\n' });
      web = await startWebServer();
    }, 60_000);
    afterAll(async () => {
      web.stop();
      await minio.stop();
    });

    const put = async (blobs: Record<string, string>): Promise<void> => {
      const store = await openStore('s3://bucket', minio.options);
      for (const [key, text] of Object.entries(blobs)) await store.write(key, Buffer.from(text));
    };

    /** Twins with the remote `m` on the bucket, credentials from the environment. */
    const open = (): Twin => {
      const env = {
        AWS_ACCESS_KEY_ID: minioUser,
        AWS_SECRET_ACCESS_KEY: minioPassword,
        AWS_ENDPOINT_URL: minio.endpoint,
        AWS_DEFAULT_REGION: 'us-east-1',
      };
      const twin = openTwin({ dvc, env });
      const text = `['remote "m"']\n    url = s3://bucket\n    endpointurl = ${minio.endpoint}\n`;
      twin.write('.dvc/config.local', text);
      return twin;
    };

    it('deps on S3: objects and folders, named by a remote and by their URL', async () => {
      const twin = open();
      twin.write(
        'dvc.yaml',
        `stages:
  fetch:
    cmd: echo fetched > got
    deps: ['remote://m/x.csv', 'remote://m/dir', 's3://bucket/x.csv']
    outs: [got]
  use:
    cmd: cp got used
    deps: [got]
    outs: [used]
`,
      );
      const run = (...args: string[]): void => {
        // DVC also keeps a manifest of a folder's etags in its cache, which nothing refers to.
        twin.run(args, { anyTree: true });
        const [theirs, ours] = twin.sides.map(({ project }) => {
          const lock = path.join(project, 'dvc.lock');
          return fs.existsSync(lock) ? fs.readFileSync(lock, 'utf8') : '';
        });
        expect(ours).toBe(theirs);
      };
      run('status');
      run('repro');
      run('status');
      run('repro');
      run('dag', '--dot');
      await put({ 'dir/new': 'n\n' });
      run('status');
      run('status', '--json');
      run('repro');
      await put({ 'x.csv': 'two\n' });
      run('status', 'fetch');
      // Ours counts on what `fetch` would make: `use` may run, where DVC says that it did not change.
      twin.run(['repro', '--dry'], { anyTree: true, anyStdout: true });
      run('repro', 'fetch');
      run('commit', '-f');
      run('repro');
      twin.judge();
    });

    it('deps on S3 and of the web that are not there', () => {
      const twin = open();
      twin.write('dvc.yaml', `stages:\n  a: {cmd: echo 1 > o, deps: ['remote://m/nope'], outs: [o]}\n`);
      twin.run(['status']);
      twin.run(['repro'], { anyTree: true });
      twin.write('dvc.yaml', `stages:\n  a: {cmd: echo 1 > o, deps: ['${web.url}/nope'], outs: [o]}\n`);
      twin.run(['status']);
      twin.run(['repro']);
      twin.write('dvc.yaml', `stages:\n  a: {cmd: echo 1 > o, deps: ['remote://nope/x'], outs: [o]}\n`);
      twin.run(['repro']);
      twin.write('dvc.yaml', `stages:\n  a: {cmd: echo 1 > o, deps: ['foo://nope/x'], outs: [o]}\n`);
      twin.run(['repro']);
    });

    it('deps of the web and on absolute and upward paths', () => {
      const twin = open();
      fs.writeFileSync(path.join(web.folder, 'f.csv'), 'hello\n');
      const outside = (text: string): void => {
        for (const { base } of twin.sides) {
          fs.mkdirSync(path.join(base, 'folder/sub'), { recursive: true });
          fs.writeFileSync(path.join(base, 'folder/sub/x'), text);
          fs.writeFileSync(path.join(base, 'file'), text);
        }
      };
      outside('1\n');
      twin.change((project, { base }) => {
        const deps = [`${web.url}/f.csv`, path.join(base, 'file'), '../folder'];
        const text = `stages:\n  s:\n    cmd: echo 1 > o\n    deps: ${JSON.stringify(deps)}\n    outs: [o]\n`;
        fs.writeFileSync(path.join(project, 'dvc.yaml'), text);
      });
      twin.run(['status']);
      twin.run(['repro']);
      twin.run(['repro']);
      twin.run(['dag', '--outs', '--dot']);
      outside('2\n');
      twin.run(['status']);
      twin.run(['repro']);
      fs.writeFileSync(path.join(web.folder, 'f.csv'), 'hello again\n');
      twin.run(['status', '--json']);
      twin.run(['repro']);
      // The run-cache does not know what others hold.
      twin.remove('o');
      twin.run(['repro']);
      twin.judge();
    });

    it('outputs outside: in the cache they are refused, others are recorded', () => {
      const twin = open();
      const write = (out: (base: string) => string): void =>
        twin.change((project, { base }) => {
          const text = `stages:\n  s:\n    cmd: echo 1 > ${base}/made\n    outs: [${out(base)}]\n`;
          fs.writeFileSync(path.join(project, 'dvc.yaml'), text);
        });
      write((base) => `${base}/made`);
      twin.run(['stage', 'list']);
      twin.run(['dag', '--dot']);
      // DVC runs the command before it refuses; ours does not.
      twin.run(['repro'], { anyStdout: true, anyTree: true });
      write((base) => `'${base}/made': {cache: false}`);
      twin.run(['repro']);
      twin.run(['repro']);
      twin.run(['status']);
      twin.change((_, { base }) => fs.writeFileSync(path.join(base, 'made'), 'by hand'));
      twin.run(['status']);
      twin.run(['repro']);
      twin.run(['stage', 'add', '-n', 'new', '-o', '/somewhere/else', 'echo']);
      twin.judge();
    });
  },
);
