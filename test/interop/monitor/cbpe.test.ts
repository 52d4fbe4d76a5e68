import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it } from 'vitest';

import { estimatePerformance, type Entry, type Reference } from '../../../src/monitor/index.ts';

type Row = readonly (number | string)[];

interface Case {
  readonly name: string;
  readonly classes: readonly string[] | null;
  readonly reference: readonly Row[];
  readonly analysis: readonly Row[];
  readonly found: Readonly<Record<string, number>>;
}

/** What NannyML said: see `nannyml_cases.py`. */
const recorded = JSON.parse(fs.readFileSync(path.join(import.meta.dirname, 'nannyml.json'), 'utf8')) as {
  readonly cases: readonly Case[];
};

it.each(recorded.cases)('estimates what NannyML does of its own data: $name', ({ classes, found, ...rows }) => {
  const width = classes?.length ?? 1;
  const scoresOf = (row: Row): Record<string, number> => {
    const values = row.slice(0, width).map(Number);
    if (classes !== null) return Object.fromEntries(classes.map((name, i) => [name, values[i] ?? 0]));
    const [score = 0] = values;
    return { 0: 1 - score, 1: score };
  };
  const repeated = <Value>(row: Row, value: Value): Value[] => Array.from({ length: Number(row.at(-1)) }, () => value);
  const entries = rows.analysis.flatMap((row): Entry[] =>
    repeated(row, { id: '', at: 0, model: 'm', prediction: row[width] ?? '', scores: scoresOf(row) }),
  );
  const reference = rows.reference.flatMap((row): Reference[] =>
    repeated(row, { scores: scoresOf(row), truth: String(row[width + 1]) }),
  );
  const estimated = estimatePerformance(entries, { reference }) as unknown as Record<string, number>;
  for (const [metric, want] of Object.entries(found)) {
    const got = estimated[classes === null || metric in estimated ? metric : `${metric}_macro`];
    // NannyML rounds counts to five digits before it takes the area.
    expect(Math.abs((got ?? Number.NaN) - want), `${metric}: ${got}, not ${want}`).toBeLessThan(1e-6);
  }
});
