/** Asks the ruamel.yaml of a DVC installation: the judge of every YAML byte we read or write. */
import { spawnSync } from 'node:child_process';
import * as path from 'node:path';

import { PyDate, PyFloat, type PyValue } from '../../../../src/base/index.ts';

/** A value in JSON that keeps Python's types: `['i', '12']`, `['f', '1e-05']`, `['l', [...]]`, `['m', [[k, v]]]`. */
export type Typed = ['n' | 's' | 'b' | 'i' | 'f' | 'd', string] | ['l', Typed[]] | ['m', [Typed, Typed][]];

const program = String.raw`
import sys, json, io, datetime
from dvc.utils.serialize._yaml import dumps_yaml, parse_yaml, parse_yaml_for_update, _dump
def make(t):
    k, v = t
    if k == 'n': return None
    if k == 's': return v
    if k == 'b': return v == 'true'
    if k == 'i': return int(v)
    if k == 'f': return float(v)
    if k == 'l': return [make(x) for x in v]
    return {make(a): make(b) for a, b in v}
def show(v):
    if v is None: return ['n', '']
    if isinstance(v, bool): return ['b', 'true' if v else 'false']
    if isinstance(v, int): return ['i', str(int(v))]
    if isinstance(v, float): return ['f', repr(float(v))]
    if isinstance(v, str): return ['s', str(v)]
    if isinstance(v, (datetime.date, datetime.datetime)): return ['d', '']
    if isinstance(v, (list, tuple)): return ['l', [show(x) for x in v]]
    return ['m', [[show(a), show(b)] for a, b in v.items()]]
def at(data, path):
    for step in path: data = data[step]
    return data
def edit(text, edits):
    data = parse_yaml_for_update(text, 'x')
    for op, path, value in edits:
        parent = at(data, path[:-1])
        if op == 'set': parent[path[-1]] = make(value)
        elif op == 'delete': del parent[path[-1]]
        else: at(data, path).append(make(value))
    out = io.StringIO(); _dump(data, out); return out.getvalue()
def reads_back(text, value):
    try: return parse_yaml(text, 'x') == (value or {})
    except Exception: return False
def run(job):
    try:
        if job['op'] == 'dump':
            value = make(job['value'])
            text = dumps_yaml(value)
            return {'ok': text, 'lossless': reads_back(text, value)}
        if job['op'] == 'parse': return {'ok': show(parse_yaml(job['text'], 'x'))}
        return {'ok': edit(job['text'], job['edits'])}
    except Exception as e:
        return {'error': type(e).__name__ + ': ' + str(e.__cause__ or e)}
for line in sys.stdin:
    sys.stdout.write(json.dumps([run(j) for j in json.loads(line)]) + '\n')
`;

export type Job =
  | { readonly op: 'dump'; readonly value: Typed }
  | { readonly op: 'parse'; readonly text: string }
  | {
      readonly op: 'edit';
      readonly text: string;
      readonly edits: readonly ['set' | 'delete' | 'append', readonly (string | number)[], Typed | null][];
    };

export interface Answer<T> {
  readonly ok?: T;
  readonly error?: string;
  /** For `dump`: ruamel reads its own text back as the same value. */
  readonly lossless?: boolean;
}

/** Runs all jobs in one Python process. */
export function askRuamel<T>(dvc: string, jobs: readonly Job[]): Answer<T>[] {
  const python = path.join(path.dirname(dvc), 'python');
  const result = spawnSync(python, ['-c', program], {
    input: `${JSON.stringify(jobs)}\n`,
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    env: { ...process.env, PYTHONIOENCODING: 'utf8' },
  });
  if (result.status !== 0) throw new Error(result.stderr);
  return JSON.parse(result.stdout) as Answer<T>[];
}

export function typed(value: PyValue): Typed {
  if (value === null) return ['n', ''];
  if (typeof value === 'string') return ['s', value];
  if (typeof value === 'boolean') return ['b', String(value)];
  if (value instanceof PyFloat) return ['f', value.toString()];
  if (value instanceof PyDate) return ['d', ''];
  if (Array.isArray(value)) return ['l', value.map(typed)];
  if (value instanceof Map) return ['m', [...value].map(([key, item]) => [typed(key), typed(item)])];
  return ['i', String(value)];
}
