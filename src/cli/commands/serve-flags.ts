import * as path from 'node:path';

import type { FlagSpec, Input } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Flags of whatever may run a model in Python. */
export const pythonFlags: readonly FlagSpec[] = [
  { name: 'python', value: 'PATH', completes: 'path', summary: 'the Python that runs models (default: python3)' },
  { name: 'trust', summary: 'let Python load files, folders and runs:/, too: loading a pickle runs its code' },
];

/** The Python that --python or MLOPS_PYTHON names: a program of the PATH, or a file. */
export function pythonOf(input: Input, { cwd, env }: Pick<Terminal, 'cwd' | 'env'>): string | undefined {
  const named = input.text('python') ?? env['MLOPS_PYTHON'];
  return named !== undefined && /[\\/]/.test(named) ? path.resolve(cwd, named) : named;
}

/** Flags of `serve` and `models serve`. */
export const serveFlags: readonly FlagSpec[] = [
  {
    name: 'port',
    short: 'p',
    value: 'PORT',
    integer: true,
    default: '5001',
    summary: 'port to listen on; 0 picks a free one',
  },
  {
    name: 'host',
    value: 'ADDRESS',
    default: '127.0.0.1',
    summary: 'address to listen on; 0.0.0.0 for all',
  },
  {
    name: 'grpc-port',
    value: 'PORT',
    integer: true,
    summary: 'serve the Open Inference Protocol over gRPC too, on this port; 0 picks a free one',
  },
  { name: 'grpc-cert', value: 'FILE', completes: 'path', summary: 'TLS for gRPC: its certificate (PEM)' },
  { name: 'grpc-key', value: 'FILE', completes: 'path', summary: 'TLS for gRPC: its private key (PEM)' },
  { name: 'models-dir', value: 'DIR', completes: 'path', summary: 'serve every .onnx file and model folder in DIR' },
  {
    name: 'watch',
    summary: 'follow stages and aliases that move, files that change, models that come and go in --models-dir',
  },
  { name: 'require-signed', summary: 'serve only versions signed by a trusted key (signing.keys of mlops.yaml)' },
  {
    name: 'signing-key',
    value: 'FILE',
    repeat: 'each',
    completes: 'path',
    summary: 'a public key that is trusted too; implies --require-signed',
  },
  {
    name: 'workers',
    value: 'N',
    integer: true,
    default: '1',
    summary: 'server processes on the same port, for more cores',
  },
  {
    name: 'runtime',
    value: 'NAME',
    choices: ['onnx', 'python', 'auto'],
    default: 'onnx',
    summary: 'python: run models with the python_function flavor; auto: where there is no ONNX',
  },
  ...pythonFlags,
  {
    name: 'env-manager',
    value: 'NAME',
    choices: ['local', 'uv', 'virtualenv', 'conda'],
    default: 'local',
    summary: "uv: install what the model's requirements.txt says; all others: nothing",
  },
  { name: 'python-memory', value: 'MB', integer: true, summary: 'replace a Python above this (default: half of all)' },
  { name: 'inference-threads', value: 'N', integer: true, summary: 'threads that run models (default: cores - 1)' },
  {
    name: 'max-batch',
    value: 'N',
    integer: true,
    default: '32',
    summary: 'waiting requests that run together at most',
  },
  { name: 'max-queue', value: 'N', integer: true, default: '256', summary: 'waiting requests of a model before 503' },
  {
    name: 'timeout',
    value: 'SECONDS',
    integer: true,
    default: '30',
    summary: 'time from request to answer before 504',
  },
  { name: 'max-body', value: 'MB', integer: true, default: '64', summary: 'largest request body' },
  { name: 'memory', value: 'MB', integer: true, summary: 'unload least recently used models above this much' },
  { name: 'allowed-hosts', value: 'LIST', summary: 'Host names that requests may use, by comma; * for any' },
  { name: 'cors-origins', value: 'LIST', summary: 'web origins that may call from a browser, by comma; * for any' },
  { name: 'drain', value: 'SECONDS', integer: true, default: '10', summary: 'time to finish requests when stopping' },
  { name: 'auth', negatable: true, summary: 'ask for API keys (default: unless only this machine can call)' },
  { name: 'insecure', summary: 'serve other machines without API keys' },
  { name: 'log-predictions', summary: 'append every prediction to .mlops/predictions' },
  { name: 'log-sample', value: 'PERCENT', integer: true, default: '100', summary: 'share of predictions to log' },
  {
    name: 'log-days',
    value: 'DAYS',
    integer: true,
    default: '30',
    summary: 'remove logged predictions after this time',
  },
  {
    name: 'log-size',
    value: 'GB',
    integer: true,
    default: '16',
    summary: 'remove the oldest logged predictions above this much',
  },
  { name: 'log-redact', value: 'LIST', summary: 'inputs and outputs whose values are not logged, by comma' },
  { name: 'access-log', summary: 'print a JSON line for each request on stdout' },
];
