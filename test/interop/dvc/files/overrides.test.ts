import { execFileSync } from 'node:child_process';
import * as path from 'node:path';
import { expect, it } from 'vitest';
import { isMlopsError, PyFloat, type PyValue } from '../../../../src/base/index.ts';
import { parseDataFile } from '../../../../src/project/index.ts';
import { parseOverrides } from '../../../../src/repo/experiments/experiment-overrides.ts';
import { editParams } from '../../../../src/repo/experiments/override-edit.ts';
import { describeWithTool } from '../../../tools.ts';

/** What people type, and what a grammar could stumble over. */
const overrides: readonly string[] = [
  'lr=0.5',
  'lr=1e-4',
  'model.depth=5',
  '+new=1',
  '+model.new.deep=x',
  '++lr=3',
  '++other=4',
  '~flag',
  '~model.name',
  'lr=null',
  'lr=true',
  'lr="a b"',
  "lr='it'",
  "lr='it\\'s'",
  'lr="it\\"s"',
  'lr=[1,2,a]',
  'lr={a:1,b:[x]}',
  'model.layers=[3,4]',
  'model.layers.0=9',
  'lr=',
  'nope=1',
  'model.nope=2',
  '~nope',
  '+lr=7',
  '+nn=7',
  'lr=1_000',
  'lr=0x10',
  'lr=inf',
  'lr=-inf',
  'lr=2024-01-01',
  'lr=a:b',
  'lr=a/b.c',
  'lr=${x}',
  'lr=${flag}',
  'lr=${model.name}-z',
  'lr=a\\,b',
  'lr',
  'lr==1',
  'model={}',
  'model={depth:7}',
  'model={zz:7}',
  '+model={zz:7}',
  '++model={zz:7}',
  'lr=1,2',
  'lr=1, 2 ,x',
  'lr=choice(a,b)',
  'lr=choice(1,2.0,[3],{a:b})',
  'lr=range(1,4)',
  'lr=range(3)',
  'lr=range(0,1,0.5)',
  'lr=range(0,0.4,0.1)',
  'lr=range(5,1,-2)',
  'lr=range(start=1,stop=3)',
  'lr=range(1,2,step=0.25)',
  'lr=interval(0,1)',
  'lr=glob(*)',
  'lr=sort(3,1)',
  'lr=sort([3,1,2])',
  'lr=sort(3,1,reverse=true)',
  'lr=sort(choice(b,a))',
  'lr=int(3.5)',
  'lr=int("10")',
  'lr=int(true)',
  'lr=int(x)',
  'lr=str(1)',
  'lr=str(1.0)',
  'lr=str(true)',
  'lr=str([1,2])',
  'lr=float(1)',
  'lr=float(x)',
  'lr=float("1.5")',
  'lr=bool(1)',
  'lr=bool("false")',
  'lr=bool(x)',
  'lr=bool(0.0)',
  'lr=json_str([1,2])',
  'lr=json_str({a:1})',
  'lr=é',
  'lr="é"',
  'lr=a b',
  'lr=  a b  ',
  'lr="x,y"',
  '+lst=[]',
  '~model',
  '~lr=0.1',
  '~lr=5',
  '~flag=true',
  'lr=-1',
  'lr=+1',
  'lr=1.',
  'lr=.5',
  'lr=nan',
  'lr=1e3',
  'lr=1E5',
  'lr=None',
  'lr=TRUE',
  'lr=yes',
  'lr=[a,\'b c\',"d"]',
  'lr=[[1],[2]]',
  'lr={x: y}',
  'lr={1: y}',
  'lr={a:{b:c}}',
  'model.layers=[1, 2.0]',
  'lr=tag(a,choice(1,2))',
  'lr=tag(choice(1,2))',
  'lr=007',
  'lr=12345678901234567890',
  'lr=1-2',
  'lr=a=b',
  'lr=a\\=b',
  'lr=a(b)',
  'lr=a\\(b\\)',
  'lr=#x',
  'lr=a#b',
  'lr=a!',
  'lr=<x',
  'lr=~x',
  'lr=a;b',
  'lr=[1,',
  'lr={a',
  'lr="x',
  'lr=x"y"',
  'lr=\\\\',
  'lr=a\\b',
  'lr=@a',
  'lr=%d',
  'lr=a|b',
  'lr=*',
  'lr=?',
  'lr=s3://b/k',
  'lr=C:\\x',
  'name=null',
  'name=1.0',
  'a-b=1',
  '+a-b=1',
  '+a.b-c=1',
  '+$x=1',
  'lr.x=1',
  '+lr.x=1',
  '++lr.x=1',
  'model.layers.5=1',
  '+model.layers.2=1',
  'model=5',
  'model=null',
  'lr=[null,true,1e-5]',
  'lr=[a b, c d]',
  'lr=int(choice(1.5,2.5))',
  'lr=float(range(1,3))',
  'lr=str(choice(1,2))',
  'lr=choice()',
  'lr=choice(a)',
  'lr=[choice(1,2)]',
  'lr=1,[2,3],{a:1}',
  'lr=a,,b',
  'lr=,a',
  'lr=a,',
  '+nested.a.b.c=1',
  '+nested={a:{b:1}}',
  '@x=1',
  'model/depth=1',
  'lr=null,true',
  'lr="null"',
  "lr='1'",
  "lr='a\\\\'",
  'lr="a\\\\b"',
  "lr=''",
  'lr=""',
  'lr=[""]',
  'model.name=${lr}',
  'lr=${model}',
  'lr="${lr}"',
  'lr=shuffle(1,1)',
  'lr=extend_list(1)',
  'lr=1_0.5',
  'lr=1__0',
  'lr=.',
  'lr=-',
  'lr=- 1',
  'lr=[1 ,2 ]',
  'lr=( 1 )',
  '~model.layers',
  '~model.layers.0',
  'hydra.x=1',
  'lr = 1',
  '+k= v',
  'lr=range(0.1,1.0,0.3)',
  'lr=range(1,0,-0.25)',
  'lr=range(1e-3,5e-3,1e-3)',
  'lr=range(-1.0,1.0,0.7)',
  'lr=range(0,1.0)',
  'lr=range(3,1)',
  'lr=range(1.5,0.1,-0.7)',
  'lr=range(0,1,0)',
];

const params = 'lr: 0.1\nmodel: {depth: 3, name: a, layers: [1, 2]}\nflag: true\nnn: null\nname: "x"\n';

/** What stands where null, numbers as keys and other formats are awkward. */
const otherFiles: readonly { file: string; text: string; overrides: readonly string[] }[] = [
  {
    file: 'keys.yaml',
    text: 'a:\nd: {x: null, y: 1}\nz: {2020: q, 2019: b}\nb: {true: 1}\nl: [null, 1]\ns: txt\n',
    overrides: [
      ...['a=7', 'd.x=8', '+a=7', '++a=7', '~a', '~d.x', '~a=null', 'a={q: 1}', 'a.q=1', '+a.q=1', '++a.q=1'],
      ...['d.x.k=1', '+d.x.k=1', 'z.2020=zz', '+z.2020=zz', '++z.2020=zz', '~z.2020', 'b.true=5'],
      ...['l.0=5', 'l.1=null', 's=null', 'd=null', 'z=null', 'z={2020: k}', 'z={2021: k}', '+z={2021: k}'],
      ...['+e.f.g=null', '+e=null', '~d', 'a=[1]', '+l=[5]', '+a.q.r.s=1', 'd={x: {y: {z: 1}}}', '+s.t=1'],
    ],
  },
  {
    file: 'p.json',
    text: '{"j": null, "d": {"x": null, "y": 1}, "l": [null, 1], "s": "t"}',
    overrides: [
      ...['j=9', 'd.x=8', '+j=9', '~j', 'j={q: 1}', '+j.q=1', 'l.0=5', 's=null', 'd=null', '+e.f=1', '~d.x', '~d'],
      ...['s="a b"', 'j=true', 'j=1.0', 'j=[1,{a: b}]', '~d.y', 'd={y: 2}', '+d={z: 2}', 'nope=1', '++nope.x=1'],
    ],
  },
  {
    file: 'p.toml',
    text: '# c\nn = 1 # one\ns = "t"\nl = [1, 2]\nml = [\n  1,\n  2,\n]\nin = {a = 1, b = "x"}\n"q.k" = 3\ndotted.k = 1\n\n[t]\nx = 1\n# tail\n\n[t.u]\ny = 2.5\nb = true\n\n[[arr]]\nk = 1\n',
    overrides: [
      ...['n=2', 'n=2.0', 'n=1e-5', 's=new', 's=5', 's=null', 'n=true', 'l=[3]', 'ml=[9]', 'ml.0=9', 'l.0=5'],
      ...['in.a=5', 'in={a: 5}', '+in.c=1', '~in.a', '~n', '~t', '~t.x', '~t.u', '~t.u.y', '+new=1', '+t.new=1'],
      ...['+t.u.new=x', '+e.f.g=1', '+e={f: 1}', 't.x=5', 't.u.y=3', 't.u.b=false', 't={x: 9}', 'q.k=4'],
      ...['dotted.k=2', '+dotted.j=1', 'arr.0.k=5', 'n={a: 1}', 't=5', '+new=null', '+new=[1,a]'],
      ...['s="a\\"b"', '+t.l=[{a: 1}]', '+new=1.0', 't.u.y=-0.0', 'n=inf', 'l=[1.0,2]', 'n=12345678901234567890'],
    ],
  },
  {
    // DVC leaves texts and dicts silently as they are; those we change are in the room's own test.
    file: 'p.py',
    text: 'N = None\nK = 3\nF = 1.5\nB = True\nL = [1, 2]\nclass C:\n    x = None\n    y: int = 2\n    def __init__(self):\n        self.w = 5\n        self.n = None\n',
    overrides: [
      ...['N=10', 'K=4', 'K=null', 'K=true', 'F=2', 'B=false', 'L=[3]', 'L.0=5', 'C.x=1', 'C.y=3', 'C.w=6', 'C.n=7'],
      ...['N=[1]', 'C.nope=1', '+K=1', 'C={x: 4}', 'N=1e-5'],
    ],
  },
];

/** The params file after each override (several for a grid), as `[type, value]` trees; `error` where DVC refuses. */
const script = `
import json, sys, tempfile, os
from dvc.utils.hydra import apply_overrides, get_hydra_sweeps
from dvc.utils.serialize import LOADERS
def tree(x):
    if isinstance(x, dict): return sorted([[tree(k), tree(v)] for k, v in x.items()], key=json.dumps)
    if isinstance(x, (list, tuple)): return ["list", *map(tree, x)]
    return [type(x).__name__, repr(x) if isinstance(x, (int, float)) and not isinstance(x, bool) else x]
given = json.load(sys.stdin)
file = os.path.join(tempfile.mkdtemp(), given["file"])
results = []
for override in given["overrides"]:
    try:
        made = []
        for sweep in get_hydra_sweeps({"p": [override]}):
            with open(file, "w") as f: f.write(given["text"])
            apply_overrides(file, list(sweep["p"]))
            made.append(tree(LOADERS[os.path.splitext(file)[1]](file)))
        results.append(made)
    except Exception:
        results.append("error")
json.dump(results, sys.stdout)
`;

function tree(value: PyValue): unknown {
  if (value instanceof Map) {
    const pairs = [...value].map(([key, item]) => [tree(key), tree(item)]);
    return pairs.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (Array.isArray(value)) return ['list', ...value.map(tree)];
  if (value instanceof PyFloat) return ['float', value.toString()];
  if (typeof value === 'number' || typeof value === 'bigint') return ['int', String(value)];
  if (value === null) return ['NoneType', null];
  return [typeof value === 'boolean' ? 'bool' : 'str', value];
}

function ours(file: string, text: string, override: string): unknown {
  try {
    return parseOverrides([`${file}:${override}`]).map((list) =>
      tree(
        parseDataFile(
          list.reduce((now, one) => editParams(now, one), text),
          file,
        ),
      ),
    );
  } catch (error) {
    if (isMlopsError(error)) return 'error';
    throw error;
  }
}

describeWithTool('dvc', 'overrides of params', ({ dvc }) => {
  const python = path.join(path.dirname(dvc), 'python');

  function compare(file: string, text: string, given: readonly string[]): void {
    const input = JSON.stringify({ file, text, overrides: given });
    const answer = execFileSync(python, ['-c', script], { input, encoding: 'utf8', maxBuffer: 1 << 26 });
    const theirs = JSON.parse(answer) as unknown[];
    for (const [i, override] of given.entries()) {
      expect([override, ours(file, text, override)]).toEqual([override, theirs[i]]);
    }
  }

  it('mean what they mean to DVC: values, grids, additions, removals and errors', { timeout: 300_000 }, () => {
    compare('params.yaml', params, overrides);
  });

  it.each(otherFiles)('change $file as DVC does', { timeout: 120_000 }, ({ file, text, overrides: given }) => {
    compare(file, text, given);
  });
});
