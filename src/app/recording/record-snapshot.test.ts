import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

import { snapshotMetrics } from './record-snapshot.ts';

it('takes histories from tables as plots read them: quotes, line ends of Windows, blank lines', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'snapshot-'));
  onTestFinished(() => fs.rmSync(root, { recursive: true }));
  fs.writeFileSync(path.join(root, 'loss.csv'), 'step,"loss, total",note\r\n1,"0.5","a, ""b"""\r\n\r\n2,0.25,c\r\n');
  fs.writeFileSync(path.join(root, 'acc.tsv'), 'epoch\tacc\n3\t0.75\n');
  const none = { params: new Map(), metricFiles: [], paramFiles: [], lineage: [], stages: [] };
  expect(snapshotMetrics({ ...none, root, plotFiles: ['loss.csv', 'acc.tsv', 'gone.csv'] }, 7)).toEqual([
    { key: 'loss_ total', value: 0.5, step: 1, timestamp: 7 },
    { key: 'loss_ total', value: 0.25, step: 2, timestamp: 7 },
    { key: 'acc', value: 0.75, step: 3, timestamp: 7 },
  ]);
});
