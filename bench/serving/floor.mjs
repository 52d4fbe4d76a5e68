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
  if (request.headers['content-type'] === 'application/octet-stream')
    return answerBytes(response, Buffer.concat(parts));
  const rows = JSON.parse(Buffer.concat(parts).toString()).inputs[name];
  const data = Float32Array.from(rows.flat(Infinity));
  const result = await session.run({ [name]: new Tensor('float32', data, shapeOf(data.length)) }, [output]);
  const { dims, data: values } = result[output];
  const body = JSON.stringify({ outputs: { [output]: { dims, values: Array.from(values) } } });
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(body);
}

/** Only the tensor's bytes, in and out. */
async function answerBytes(response, body) {
  const data = new Float32Array(body.buffer.slice(body.byteOffset, body.byteOffset + body.length));
  const result = await session.run({ [name]: new Tensor('float32', data, shapeOf(data.length)) }, [output]);
  response.writeHead(200, { 'content-type': 'application/octet-stream' });
  response.end(Buffer.from(result[output].data.buffer));
}

function shapeOf(count) {
  const dims = session.inputMetadata[0].shape.slice(1);
  return dims.every((dim) => typeof dim === 'number') ? [1, ...dims] : [1, count];
}

server.listen(Number(process.argv[3]), '127.0.0.1', () => console.log('ready'));
