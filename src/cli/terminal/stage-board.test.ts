import { describe, expect, it } from 'vitest';

import type { Stage } from '../../project/index.ts';
import type { ReproEvent } from '../../repo/pipeline/repro-events.ts';
import { StageBoard } from './stage-board.ts';
import { plainStyle } from './style.ts';

const stage = (address: string): Stage => ({
  address,
  kind: 'pipeline',
  name: address,
  file: 'dvc.yaml',
  wdir: '',
  cmd: 'true',
  deps: [],
  params: [],
  outs: [],
  frozen: false,
  alwaysChanged: false,
  desc: undefined,
  meta: undefined,
  md5: undefined,
  locked: undefined,
});

const [old, first, second, last] = ['old', 'first', 'second', 'last'].map(stage) as [Stage, Stage, Stage, Stage];
const plan: ReproEvent = {
  kind: 'plan',
  stages: [old, first, second, last],
  needs: (of) => (of === last ? [old, first, second] : []),
};

function openBoard(): { board: StageBoard; written: string[]; clock: { now: number } } {
  const written: string[] = [];
  const clock = { now: 1000 };
  const board = new StageBoard({
    write: (text) => written.push(text),
    columns: () => 40,
    rows: () => 20,
    style: plainStyle,
    now: () => clock.now,
  });
  board.take(plan);
  return { board, written, clock };
}

describe('the board of a parallel repro', () => {
  it('says what runs and since when, what waits for what, and how far it is', () => {
    const { board, clock } = openBoard();
    board.take({ kind: 'unchanged', stage: old });
    board.take({ kind: 'running', stage: first });
    clock.now += 2500;
    board.take({ kind: 'running', stage: second });
    expect(board.lines(80, 20)).toEqual([
      '▸ first  2.5 s',
      '▸ second  0 ms',
      '· last waits for first, second',
      '1 of 4 stages, 1 unchanged',
    ]);
    board.take({ kind: 'done', stage: first, how: 'cached', milliseconds: 1 });
    expect(board.lines(80, 20).slice(1)).toEqual([
      '· last waits for second',
      '2 of 4 stages, 1 from the cache, 1 unchanged',
    ]);
    board.take({ kind: 'failed', stage: second, error: new Error('no'), ignored: false });
    board.take({ kind: 'blocked', stages: [last] });
    expect(board.lines(80, 20)).toEqual([]);
    board.close();
  });

  it('stays within half of a small terminal', () => {
    const { board } = openBoard();
    for (const each of [old, first, second]) board.take({ kind: 'running', stage: each });
    expect(board.lines(20, 6)).toEqual(['▸ old  0 ms', '  and 3 more', '0 of 4 stages']);
    expect(board.lines(12, 40)[3]).toBe('· last wai…');
    board.close();
  });

  it('is taken away before anything else is written, and leaves nothing behind', () => {
    const { board, written } = openBoard();
    board.take({ kind: 'running', stage: first });
    board.above(() => written.push('a line\n'));
    board.above(() => written.push('another\n'));
    board.close();
    expect(written).toEqual([
      'a line\n',
      '▸ first  0 ms\n· last waits for old, first, second\n0 of 4 stages',
      '\r\u001b[1A\u001b[1A\u001b[J',
      'another\n',
      '▸ first  0 ms\n· last waits for old, first, second\n0 of 4 stages',
      '\r\u001b[1A\u001b[1A\u001b[J',
    ]);
  });
});
