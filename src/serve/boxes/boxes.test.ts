import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { findBoxes, type BoxDecoder } from './boxes.ts';
import { suppress, type Candidate, type Corners } from './nms.ts';

const decoder = (parts: Partial<BoxDecoder>): BoxDecoder => ({
  ...{ head: 'yolov8', score: 0.3, iou: 0.5, format: 'xyxy', labels: undefined, sources: { main: 'o' } },
  ...parts,
});

describe('suppression', () => {
  const box = fc.tuple(fc.nat(50), fc.nat(50), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }));
  const candidates = fc.array(fc.record({ box, score: fc.nat(100), label: fc.nat(2) }), { maxLength: 40 });

  it('leaves what no better box of its class covers, and takes away only what one does', () => {
    const overlap = (a: Corners, b: Corners) => {
      const side = (i: 0 | 1) => Math.max(0, Math.min(a[i + 2] ?? 0, b[i + 2] ?? 0) - Math.max(a[i], b[i]));
      const area = (c: Corners) => (c[2] - c[0]) * (c[3] - c[1]);
      const shared = side(0) * side(1);
      return shared / (area(a) + area(b) - shared);
    };
    fc.assert(
      fc.property(candidates, (given) => {
        const all = given.map(({ box: [x, y, w, h], score, label }, row): Candidate => {
          return { box: [x, y, x + w, y + h], score: score / 100, label, row };
        });
        const kept = suppress(all, 0.45, 300);
        const rows = new Set(kept.map(({ row }) => row));
        for (const one of all) {
          const rivals = kept.filter(
            (better) => better.label === one.label && better.score >= one.score && better.row !== one.row,
          );
          const covered = rivals.some((better) => overlap(better.box, one.box) > 0.45);
          if (!rows.has(one.row)) expect(covered).toBe(true);
        }
        for (const [i, one] of kept.entries()) {
          const better = kept.slice(0, i).filter(({ label }) => label === one.label);
          expect(better.every((other) => overlap(other.box, one.box) <= 0.45 + 1e-6)).toBe(true);
        }
      }),
    );
  });

  it('keeps boxes of other classes, and no more than so many', () => {
    const same = Array.from({ length: 5 }, (_, label): Candidate => ({
      box: [0, 0, 9, 9],
      score: 0.5,
      label,
      row: label,
    }));
    expect(suppress(same, 0.5, 300)).toHaveLength(5);
    expect(suppress(same, 0.5, 2)).toHaveLength(2);
  });
});

describe('masks', () => {
  it('are outlines of the largest part, in pixels of the picture', () => {
    // One box around an 8 x 8 input; its one used prototype is a bar of 2 x 1 cells of 2 pixels.
    const row = [4, 4, 8, 8, 0.9, 1, ...Array.from({ length: 31 }, () => 0)];
    const cells = new Float32Array(32 * 16).fill(-1);
    for (const cell of [5, 6]) cells[cell] = 1;
    const outputs = {
      o: { dtype: 'float32', dims: [1, 37, 1], data: Float32Array.from(row) },
      p: { dtype: 'float32', dims: [1, 32, 4, 4], data: cells },
    } as const;
    const seg = decoder({ head: 'yolov8-seg', sources: { main: 'o', prototypes: 'p' } });
    const placement = { width: 16, height: 16, scaleX: 0.5, scaleY: 0.5, left: 0, top: 0, outWidth: 8, outHeight: 8 };
    const [[found] = []] = findBoxes(outputs, seg, { width: 8, height: 8 }, [placement]);
    expect(found?.box).toEqual([0, 0, 16, 16]);
    const xs = found?.polygon?.map(([x]) => x) ?? [];
    const ys = found?.polygon?.map(([, y]) => y) ?? [];
    expect([Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]).toEqual([4, 12, 4, 8]);
    expect(found?.polygon?.length).toBeGreaterThanOrEqual(4);
  });
});

describe('boxes', () => {
  const outputs = {
    o: { dtype: 'float32', dims: [1, 5, 2], data: Float32Array.from([50, 5, 50, 1, 20, 4, 10, 4, 0.9, 0.1]) },
  } as const;
  const size = { width: 100, height: 100 };

  it.for([
    ['xyxy', [40, 45, 60, 55]],
    ['xywh', [40, 45, 20, 10]],
    ['relative', [0.4, 0.45, 0.6, 0.55]],
  ] as const)('are told as %s', ([format, wanted]) => {
    const [[found, ...others] = []] = findBoxes(outputs, decoder({ format, labels: ['cat'] }), size, undefined);
    expect(others).toEqual([]);
    expect(found?.label).toBe('cat');
    for (const [i, value] of wanted.entries()) expect(found?.box[i]).toBeCloseTo(value, 5);
  });
});
