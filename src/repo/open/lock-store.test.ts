import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';

import { parseLockFile, putLockedStage, type LockedStage, type Stage } from '../../project/index.ts';
import { LockStore } from './lock-store.ts';

function folder(): string {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'locks-'));
  onTestFinished(() => fs.rmSync(root, { recursive: true, force: true }));
  return root;
}

const stage = (name: string, locked?: LockedStage): Stage => ({
  kind: 'pipeline',
  address: name,
  file: 'dvc.yaml',
  name,
  wdir: '',
  cmd: 'x',
  deps: [],
  params: [],
  outs: [],
  frozen: false,
  alwaysChanged: false,
  desc: undefined,
  meta: undefined,
  md5: undefined,
  locked,
});

const made = (cmd: string): LockedStage => ({ cmd, deps: [], params: new Map(), outs: [] });

/** Names as people give them, and one so long that YAML writes it with a question mark. */
const names = ['a', 'b', 'train@1', 'x-y', 'y', '1', 'n'.repeat(200)] as const;

it('has the text of putting stage after stage, complete in the file after each', () => {
  const root = folder();
  const file = path.join(root, 'dvc.lock');
  const edit = fc.tuple(fc.constantFrom(...names), fc.constantFrom('one', 'two\nlines', 'a longer command'));
  const start = fc.constantFrom(
    undefined,
    "schema: '2.0'\nstages:\n  a:\n    cmd: one\n",
    "# mine\nschema: '2.0'\nstages: {}\n",
  );
  fc.assert(
    fc.property(start, fc.array(edit, { maxLength: 12 }), fc.boolean(), (first, edits, forget) => {
      if (first === undefined) fs.rmSync(file, { force: true });
      else fs.writeFileSync(file, first);
      let store = new LockStore(root);
      let text: string | undefined = first;
      for (const [rank, [name, cmd]] of edits.entries()) {
        if (forget) store = new LockStore(root);
        const known = text === undefined ? undefined : parseLockFile(text, 'dvc.lock').get(name);
        store.put(stage(name, known), made(cmd), rank);
        text = putLockedStage(text, name, made(cmd), 'dvc.lock');
        expect(fs.readFileSync(file, 'utf8')).toBe(text);
      }
    }),
    { numRuns: 60 },
  );
});

it('puts a stage that ends early behind those before it in the plan', () => {
  const root = folder();
  const store = new LockStore(root);
  for (const rank of [2, 0, 3, 1]) store.put(stage(`s${rank}`), made('x'), rank);
  const text = fs.readFileSync(path.join(root, 'dvc.lock'), 'utf8');
  expect([...parseLockFile(text, 'dvc.lock').keys()]).toEqual(['s0', 's1', 's2', 's3']);
});

it('goes on with what another process wrote in between', () => {
  const root = folder();
  const file = path.join(root, 'dvc.lock');
  const store = new LockStore(root);
  store.put(stage('a'), made('x'), 0);
  fs.writeFileSync(file, putLockedStage(fs.readFileSync(file, 'utf8'), 'theirs', made('y'), 'dvc.lock'));
  store.put(stage('b'), made('x'), 1);
  expect([...parseLockFile(fs.readFileSync(file, 'utf8'), 'dvc.lock').keys()]).toEqual(['a', 'theirs', 'b']);
});
