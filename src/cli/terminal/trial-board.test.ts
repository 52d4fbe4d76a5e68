import { describe, expect, it } from 'vitest';

import { plainStyle } from './style.ts';
import { TrialBoard, type BoardStudy } from './trial-board.ts';

const study: BoardStudy = {
  name: 'lr',
  made: 3,
  total: 20,
  counts: { COMPLETE: 1, RUNNING: 1, PRUNED: 1 },
  best: 'trial 0, loss 0.25',
};

function openBoard(): { board: TrialBoard; written: string[] } {
  const written: string[] = [];
  const write = (text: string): unknown => written.push(text);
  const board = new TrialBoard({ write, columns: () => 60, rows: () => 20, style: plainStyle }, () => study);
  return { board, written };
}

describe('the board of a study', () => {
  it('says what runs, what is best and how far it is, in lines that fit and obey nothing', () => {
    const { board } = openBoard();
    board.start(2, 'train.lr=0.001 text=\u001b[2J');
    board.report(2, 'step 4 0.5');
    const [lane, ...rest] = board.lines(60);
    board.close();
    expect(lane).toMatch(/^▸ 2 {2}\d+ ms {2}train\.lr=0\.001 text=\\x1b\[2J {2}step 4 0\.5$/);
    expect(rest).toEqual(['best trial 0, loss 0.25', 'lr: 2 of 20 trials, 1 running, 1 pruned']);
    for (const line of board.lines(16)) expect(line.length).toBeLessThan(16);
  });

  it('goes away for what is written above it, and at the end', () => {
    const { board, written } = openBoard();
    board.above(() => written.push('trial 1: PRUNED\n'));
    board.above(() => written.push('trial 0: COMPLETE\n'));
    board.close();
    const lines = 'best trial 0, loss 0.25\nlr: 2 of 20 trials, 1 running, 1 pruned';
    const clear = '\r\u001b[1A\u001b[J';
    expect(written).toEqual(['trial 1: PRUNED\n', lines, clear, 'trial 0: COMPLETE\n', lines, clear]);
  });
});
