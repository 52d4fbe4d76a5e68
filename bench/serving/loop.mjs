// onnxruntime alone in a loop: what a request would cost without a server. argv: model seconds shape (by comma)
import { InferenceSession, Tensor } from 'onnxruntime-node';

const session = await InferenceSession.create(process.argv[2], { intraOpNumThreads: 1 });
const dims = process.argv[4].split(',').map(Number);
const [name] = session.inputNames;
const fetches = session.outputNames;
const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => (i % 100) / 100);
const times = [];
const end = performance.now() + Number(process.argv[3]) * 1000;
while (performance.now() < end) {
  const start = performance.now();
  await session.run({ [name]: new Tensor('float32', data, dims) }, fetches);
  times.push(performance.now() - start);
}
times.sort((a, b) => a - b);
const at = (share) => times[Math.floor(share * (times.length - 1))];
console.log(JSON.stringify({ runs: times.length / Number(process.argv[3]), p50: at(0.5), p99: at(0.99) }));
