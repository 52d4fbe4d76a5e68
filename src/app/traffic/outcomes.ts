import { entriesOf, readPredictionLog, type Answer } from '../../monitor/index.ts';
import { readMark, type KeptRule } from '../../serve/index.ts';

/** Values of one outcome, a list for each arm of the rule. */
export type Values = readonly number[][];

interface Told {
  /** The place of the arm in the rule, where the id tells it. */
  readonly arm: number | undefined;
  label?: unknown;
  reward?: number;
}

/**
 * What feedback says of the arms of a rule, by metric: `reward`; `label` where all labels are 0, 1, true or false;
 * `correct` where labels are among the classes that were answered; `absolute_error` where both are numbers. Of several
 * pieces of feedback for a prediction the last one counts.
 *
 * @param answered classes that were answered.
 */
export async function outcomesOf(
  log: string,
  { rule, since, setAt, model }: KeptRule,
  answered: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Values>> {
  const told = await readFeedback(log, since, setAt);
  const labelled = [...told.values()].filter(({ label }) => label !== undefined);
  const unknown = [...told.values()].some(({ arm }) => arm === undefined);
  const names = rule.arms.map(({ name }) => name);
  const predicted = new Map<string, { readonly prediction: Answer | undefined; readonly arm: number }>();
  if (labelled.length > 0 || unknown) {
    for await (const record of readPredictionLog(log, { since: setAt, kind: 'prediction' })) {
      if (record.kind !== 'prediction' || record.arm === undefined) continue;
      const mark = readMark(record.id);
      const ours = mark === undefined ? record.model === model : mark.rule === since;
      if (!ours) continue;
      for (const { id, prediction } of entriesOf(record)) {
        if (told.has(id)) predicted.set(id, { prediction, arm: mark?.index ?? names.indexOf(record.arm) });
      }
    }
  }
  const classes = new Set(answered);
  for (const { prediction } of predicted.values()) if (typeof prediction === 'string') classes.add(prediction);
  const binary = labelled.every(({ label }) => bitOf(label) !== undefined);
  const found = new Map<string, number[][]>();
  const add = (metric: string, arm: number, value: number | undefined): void => {
    if (value === undefined) return;
    let values = found.get(metric);
    if (values === undefined) found.set(metric, (values = names.map(() => [])));
    values[arm]?.push(value);
  };
  for (const [id, { arm: marked, label, reward }] of told) {
    const { prediction, arm: logged } = predicted.get(id) ?? {};
    const arm = marked ?? logged;
    if (arm === undefined) continue;
    add('reward', arm, reward);
    if (binary) add('label', arm, bitOf(label));
    add('correct', arm, isCorrect(label, prediction, classes));
    if (!binary) add('absolute_error', arm, errorOf(label, prediction));
  }
  const order = ['reward', 'label', 'correct', 'absolute_error'];
  return new Map([...found].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b)));
}

async function readFeedback(log: string, since: number, setAt: number): Promise<ReadonlyMap<string, Told>> {
  const told = new Map<string, Told>();
  for await (const record of readPredictionLog(log, { kind: 'feedback', since: setAt })) {
    if (record.kind !== 'feedback') continue;
    const mark = readMark(record.prediction_id);
    if (mark !== undefined && mark.rule !== since) continue;
    const one = told.get(record.prediction_id) ?? { arm: mark?.index };
    if (record.label !== undefined && record.label !== null) one.label = record.label;
    if (record.reward !== undefined) one.reward = record.reward;
    told.set(record.prediction_id, one);
  }
  return told;
}

function bitOf(label: unknown): number | undefined {
  if (label === 0 || label === false) return 0;
  return label === 1 || label === true ? 1 : undefined;
}

/** Undefined where the label is none of the classes. */
function isCorrect(label: unknown, prediction: Answer | undefined, classes: ReadonlySet<string>): number | undefined {
  if (typeof prediction !== 'string' || label === undefined) return undefined;
  const bit = bitOf(label);
  const names = typeof label === 'boolean' ? [String(label), String(bit)] : [String(label)];
  const known = names.filter((name) => classes.has(name));
  if (known.length === 0) return undefined;
  return known.includes(prediction) ? 1 : 0;
}

function errorOf(label: unknown, prediction: Answer | undefined): number | undefined {
  if (typeof label !== 'number' || typeof prediction !== 'number') return undefined;
  return Math.abs(label - prediction);
}
