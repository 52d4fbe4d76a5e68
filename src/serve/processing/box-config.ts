import { headNames, type BoxConfig } from '../boxes/boxes.ts';
import type { Checker, Fields } from './checker.ts';

export const boxKeys = ['decode', 'head', 'score', 'iou', 'format'];

/** Where Ultralytics begins too. */
const defaults = { score: 0.25, iou: 0.45 };

/** `decode: boxes` of an output, and how. @throws MlopsError `bad_config` naming the place. */
export function readBoxes(check: Checker, fields: Fields, path: string): BoxConfig | undefined {
  const given = boxKeys.find((key) => fields[key] !== undefined);
  if (given === undefined) return undefined;
  if (fields['decode'] === undefined)
    throw check.problem(`${path}.${given}`, '`decode: boxes` beside it', fields[given]);
  check.choice(fields['decode'], `${path}.decode`, ['boxes'] as const);
  const formats = ['xyxy', 'xywh', 'relative'] as const;
  return {
    head: check.choice(fields['head'], `${path}.head`, headNames),
    score: share(check, fields['score'] ?? defaults.score, `${path}.score`),
    iou: share(check, fields['iou'] ?? defaults.iou, `${path}.iou`),
    format: check.choice(fields['format'] ?? 'xyxy', `${path}.format`, formats),
  };
}

function share(check: Checker, value: unknown, path: string): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value;
  throw check.problem(path, 'a number from 0 to 1', value);
}
