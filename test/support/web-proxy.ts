import * as http from 'node:http';
import * as https from 'node:https';
import * as net from 'node:net';

export interface WebProxy {
  readonly port: number;
  /** With user and password, if it wants them. */
  readonly url: string;
  /** What it was asked for: `CONNECT host:port` and `GET http://host/path`. */
  readonly asked: string[];
  close(): Promise<void>;
}

export interface WebProxyOptions {
  /** `user:password`, wanted of everyone. */
  readonly login?: string;
  /** Speaks TLS with its clients, whatever they ask for. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  /** Answers everything with this status. */
  readonly refuse?: number;
  /** Cuts this many tunnels and answers after so many bytes, before it behaves. */
  readonly cut?: { times: number; readonly after: number };
}

/** A forward proxy on loopback as companies have them: whole URLs for http, tunnels for https. */
export async function webProxy(options: WebProxyOptions = {}): Promise<WebProxy> {
  const asked: string[] = [];
  const sockets = new Set<net.Socket>();
  const wanted = options.login === undefined ? undefined : `Basic ${Buffer.from(options.login).toString('base64')}`;
  const refusal = (request: http.IncomingMessage): number | undefined => {
    asked.push(`${request.method} ${request.url}`);
    return request.headers['proxy-authorization'] === wanted ? options.refuse : 407;
  };
  const { tls } = options;
  const server = tls === undefined ? http.createServer() : https.createServer(tls);
  server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
    const refused = refusal(request);
    if (refused !== undefined) return void response.writeHead(refused).end('no');
    forward(request, response, options);
  });
  server.on('connection', (socket) => track(sockets, socket));
  server.on('connect', (request: http.IncomingMessage, client: net.Socket) => {
    const refused = refusal(request);
    if (refused !== undefined) return void client.end(`HTTP/1.1 ${refused} ${http.STATUS_CODES[refused]}\r\n\r\n`);
    const { hostname, port } = new URL(`http://${request.url}`);
    const onward = net.connect(Number(port), hostname.replace(/^\[|\]$/g, ''), () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(onward);
      pipeOrCut(onward, client, options.cut);
    });
    track(sockets, onward);
    onward.on('error', () => client.destroy());
    client.on('error', () => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  return {
    port,
    url: `http${tls === undefined ? '' : 's'}://${options.login === undefined ? '' : `${options.login}@`}127.0.0.1:${port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function track(sockets: Set<net.Socket>, socket: net.Socket): void {
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
}

function forward(request: http.IncomingMessage, response: http.ServerResponse, options: WebProxyOptions): void {
  const { 'proxy-authorization': _, ...headers } = request.headers;
  const onward = http.request(request.url ?? '', { method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    pipeOrCut(answer, response, options.cut);
  });
  onward.on('error', () => response.destroy());
  request.pipe(onward);
}

function pipeOrCut(
  from: NodeJS.ReadableStream,
  to: NodeJS.WritableStream & { destroy(): unknown },
  cut: { times: number; readonly after: number } | undefined,
): void {
  if (cut === undefined || cut.times <= 0) return void from.pipe(to);
  cut.times--;
  let left = cut.after;
  from.on('end', () => to.end());
  from.on('data', (chunk: Buffer) => {
    if (left <= 0) return;
    to.write(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0) setImmediate(() => to.destroy());
  });
}
