// A load generator on raw sockets: Node's own HTTP client takes longer for a request than the server under test does.
import * as net from 'node:net';

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** One keep-alive connection; one request at a time. */
export interface Client {
  request(method: string, target: string, body?: string | Buffer): Promise<Answer>;
  post(url: string, body: unknown): Promise<unknown>;
  get(url: string): Promise<Answer>;
  close(): void;
}

export async function connect(port: number): Promise<Client> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  let waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined;
  const reader = answerReader((answer) => {
    const { resolve } = waiting ?? {};
    waiting = undefined;
    resolve?.(answer);
  });
  socket.on('data', reader);
  socket.on('error', (error) => waiting?.reject(error));
  socket.on('close', () => waiting?.reject(new Error('the server closed the connection')));
  const request: Client['request'] = (method, target, body = '') =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject };
      const length = Buffer.byteLength(body);
      const head = `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
      if (typeof body === 'string') {
        socket.write(head + body);
      } else {
        socket.write(head);
        socket.write(body);
      }
    });
  const okay = (url: string, answer: Answer): Answer => {
    if (answer.status === 200) return answer;
    throw new Error(`${url}: ${answer.status} ${answer.body.toString().slice(0, 300)}`);
  };
  return {
    request,
    post: async (url, body) => {
      const answer = okay(url, await request('POST', `/api/2.0/mlflow/${url}`, JSON.stringify(body)));
      return JSON.parse(answer.body.toString()) as unknown;
    },
    get: async (url) => okay(url, await request('GET', `/api/2.0/mlflow/${url}`)),
    close: () => socket.destroy(),
  };
}

/** Cuts a stream of bytes into answers, by Content-Length or chunks. */
function answerReader(onAnswer: (answer: Answer) => void): (data: Buffer) => void {
  let head: { status: number; length: number | undefined } | undefined;
  let chunks: Buffer[] = [];
  let size = 0;
  return (data) => {
    chunks.push(data);
    size += data.length;
    if (head === undefined) {
      const all = chunks.length === 1 ? data : Buffer.concat(chunks);
      const end = all.indexOf('\r\n\r\n');
      if (end < 0) return;
      const text = all.toString('latin1', 0, end);
      const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
      head = { status: Number(text.slice(9, 12)), length: length === undefined ? undefined : Number(length) };
      const rest = all.subarray(end + 4);
      chunks = [rest];
      size = rest.length;
    }
    if (head.length !== undefined ? size < head.length : !endsChunks(chunks)) return;
    const answer = { status: head.status, body: Buffer.concat(chunks) };
    head = undefined;
    chunks = [];
    size = 0;
    onAnswer(answer);
  };
}

function endsChunks(chunks: readonly Buffer[]): boolean {
  const tail = Buffer.concat(chunks.slice(-3));
  return tail.subarray(-5).toString('latin1') === '0\r\n\r\n';
}
