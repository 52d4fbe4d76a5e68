// The floor: node:http and onnxruntime on one thread, without validation, metrics or log. argv: model port
import * as http from 'node:http';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const session = await InferenceSession.create(process.argv[2], { intraOpNumThreads: 1 });
const [name] = session.inputNames;
const [output] = session.outputNames;
const server = http.createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => void answer(request, response, parts));
});

async function answer(request, response, parts) {
  if (request.url === '/health') return response.end('{"status":"healthy"}');
  const rows = JSON.parse(Buffer.concat(parts).toString()).inputs[name];
  const data = Float32Array.from(rows.flat());
  const result = await session.run({ [name]: new Tensor('float32', data, [rows.length, data.length / rows.length]) });
  const { dims, data: values } = result[output];
  const body = JSON.stringify({ outputs: { [output]: { dims, values: Array.from(values) } } });
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(body);
}

server.listen(Number(process.argv[3]), '127.0.0.1', () => console.log('ready'));
