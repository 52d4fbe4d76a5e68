import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import type * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { freePort } from '../../support/free-port.ts';

export interface Minio {
  readonly endpoint: string;
  readonly port: number;
  /** Options of a remote as DVC names them. */
  readonly options: Readonly<Record<string, string>>;
  /** Where it keeps its data; a folder at the top is a bucket. */
  readonly folder: string;
  /** File with the certificate of a server that speaks TLS. */
  readonly certificate: string | undefined;
  makeBucket(name: string): void;
  /** Ends the server at once; its data stays. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

export const minioUser = 'test-user';
export const minioPassword = 'test-password-1';

/** Starts a MinIO on a free port and waits until it answers; or one that was stopped, with its data, where it was. */
export async function startMinio(
  program: string,
  again: { readonly folder?: string; readonly port?: number; readonly tls?: boolean } = {},
): Promise<Minio> {
  const folder = again.folder ?? fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-minio-'));
  const port = again.port ?? (await freePort());
  const certificates = again.tls === true ? makeCertificate() : undefined;
  const endpoint = `${certificates === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  const env = {
    ...process.env,
    MINIO_ROOT_USER: minioUser,
    MINIO_ROOT_PASSWORD: minioPassword,
    MINIO_BROWSER: 'off',
    // For encryption by the server.
    MINIO_KMS_SECRET_KEY: `test-key:${Buffer.alloc(32, 'k').toString('base64')}`,
  };
  const secure = certificates === undefined ? [] : ['--certs-dir', certificates];
  const server = spawn(program, ['server', folder, '--address', `127.0.0.1:${port}`, '--quiet', ...secure], {
    env,
    stdio: 'ignore',
  });
  await whenReady(`${endpoint}/minio/health/ready`, server);
  return {
    endpoint,
    port,
    folder,
    certificate: certificates === undefined ? undefined : path.join(certificates, 'public.crt'),
    options: { endpointurl: endpoint, access_key_id: minioUser, secret_access_key: minioPassword },
    makeBucket: (name) => void fs.mkdirSync(path.join(folder, name), { recursive: true }),
    crash: () => ended(server, 'SIGKILL'),
    async stop() {
      await ended(server);
      fs.rmSync(folder, { recursive: true, force: true });
      if (certificates !== undefined) fs.rmSync(certificates, { recursive: true, force: true });
    },
  };
}

/** A folder with a key and a certificate for 127.0.0.1 that nobody has signed but itself. */
function makeCertificate(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-certs-'));
  const [key, certificate] = ['private.key', 'public.crt'].map((name) => path.join(folder, name)) as [string, string];
  const words = 'req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=mlops-test -addext subjectAltName=IP:127.0.0.1';
  execFileSync('openssl', [...words.split(' '), '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  return folder;
}

/** What the proxy does with a request: `pass` it on, or one of the faults. */
export type Fault =
  | 'pass'
  /** An error of S3, without asking the server: 503, 403, 400 and 404. */
  | 'slow-down'
  | 'deny'
  | 'expire'
  | 'no-bucket'
  /** A web page with status 200, as of a console or a login. */
  | 'web-page'
  /** Other bytes under the object's name. */
  | 'other-bytes'
  /** The connection is reset before the request is read. */
  | 'reset'
  /** The answer's body is cut after half of it. */
  | 'cut-answer'
  /** The request reaches the server whole, the answer is lost. */
  | 'lose-answer';

export interface FaultProxy {
  readonly endpoint: string;
  /** How often each fault was played. */
  readonly played: Map<Fault, number>;
  close(): Promise<void>;
}

const answers = {
  'slow-down': errorAnswer(503, 'SlowDown', 'Please reduce your rate'),
  deny: errorAnswer(403, 'AccessDenied', 'Access Denied.'),
  expire: errorAnswer(400, 'ExpiredToken', 'The provided token has expired.'),
  'no-bucket': errorAnswer(404, 'NoSuchBucket', 'The specified bucket does not exist'),
  'web-page': { status: 200, headers: { 'content-type': 'text/html' }, body: '<!DOCTYPE html><html>Sign in</html>' },
  'other-bytes': { status: 200, headers: { etag: '"other"' }, body: 'other bytes' },
};

function errorAnswer(status: number, code: string, message: string) {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, headers: { 'content-type': 'application/xml' }, body };
}

/** A proxy in front of a server that spoils what `choose` says. Signatures stay valid: the Host header is kept. */
export async function faultProxy(
  port: number,
  choose: (request: http.IncomingMessage, count: number) => Fault,
): Promise<FaultProxy> {
  const played = new Map<Fault, number>();
  let count = 0;
  const server = http.createServer((request, response) => {
    const fault = choose(request, count++);
    played.set(fault, (played.get(fault) ?? 0) + 1);
    if (fault === 'reset') return void request.socket.resetAndDestroy();
    if (fault in answers) {
      request.resume();
      const { status, headers, body } = answers[fault as keyof typeof answers];
      return void response.writeHead(status, headers).end(body);
    }
    const { method, url: target, headers } = request;
    const onward = http.request({ port, host: '127.0.0.1', method, path: target, headers }, (answer) =>
      passBack(fault, answer, response),
    );
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: own } = server.address() as net.AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${own}`,
    played,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function passBack(fault: Fault, answer: http.IncomingMessage, response: http.ServerResponse): void {
  if (fault === 'lose-answer') {
    answer.resume();
    answer.on('end', () => response.socket?.resetAndDestroy());
    return;
  }
  response.writeHead(answer.statusCode ?? 500, answer.rawHeaders);
  if (fault === 'pass') return void answer.pipe(response);
  const half = Number(answer.headers['content-length'] ?? 0) / 2;
  let sent = 0;
  answer.on('end', () => response.socket?.resetAndDestroy());
  answer.on('data', (chunk: Buffer) => {
    const part = chunk.subarray(0, Math.max(0, Math.ceil(half - sent)));
    sent += part.length;
    response.write(part, () => {
      if (sent >= half) response.socket?.resetAndDestroy();
    });
  });
}

async function whenReady(url: string, server: ChildProcess): Promise<void> {
  for (let i = 0; i < 150; i++) {
    if (server.exitCode !== null) throw new Error(`minio ended with ${server.exitCode}`);
    if (await isOk(url)) return;
    await sleep(100);
  }
  server.kill('SIGKILL');
  throw new Error('minio did not start');
}

/** Of any certificate: who answers is our own. */
function isOk(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const client = url.startsWith('https') ? https : http;
    const request = client.get(url, { rejectUnauthorized: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('error', () => resolve(false));
  });
}

async function ended(server: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (server.exitCode !== null) return;
  const gone = new Promise((resolve) => server.once('exit', resolve));
  server.kill(signal);
  const timer = setTimeout(() => server.kill('SIGKILL'), 5000);
  await gone;
  clearTimeout(timer);
}
