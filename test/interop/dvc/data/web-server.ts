import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

export interface WebServer {
  readonly url: string;
  readonly folder: string;
  stop(): void;
}

/** Serves a fresh folder, with etags by length. A process of its own: the tools are run synchronously, which would keep a server in here from answering. */
export async function startWebServer(): Promise<WebServer> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-web-'));
  const script = `
    const fs = require('node:fs');
    const server = require('node:http').createServer((request, response) => {
      const file = ${JSON.stringify(folder)} + request.url;
      if (!fs.existsSync(file)) return response.writeHead(404).end();
      const content = fs.readFileSync(file);
      response.writeHead(200, { etag: '"v-' + content.length + '"', 'content-length': content.length });
      response.end(request.method === 'HEAD' ? undefined : content);
    });
    server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;
  const child: ChildProcess = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', (data: Buffer) => resolve(data.toString().trim()));
    child.once('error', reject);
    child.once('exit', () => reject(new Error('the web server ended')));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    folder,
    stop() {
      child.kill('SIGKILL');
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
