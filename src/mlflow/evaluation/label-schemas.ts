import { invalid } from '../limits.ts';
import type { Fields } from '../wire-fields.ts';
import type { Json } from '../wire-tracking.ts';

export const labelTypes = ['FEEDBACK', 'EXPECTATION'] as const;
export type LabelType = (typeof labelTypes)[number];

/** How an answer to the question is given. */
export type LabelInput =
  | { readonly pass_fail: { readonly positive_label: string; readonly negative_label: string } }
  | { readonly categorical: { readonly options: readonly string[]; readonly multi_select: boolean } }
  | { readonly numeric: { readonly min_value?: number | undefined; readonly max_value?: number | undefined } }
  | { readonly text: { readonly max_length?: number | undefined } };

/** A question that people are asked about traces. Times are milliseconds. */
export interface LabelSchema {
  /** `ls-` and 32 hexadecimal digits. */
  readonly id: string;
  readonly experimentId: string;
  readonly name: string;
  readonly type: LabelType;
  readonly instruction: string | undefined;
  readonly enableComment: boolean;
  readonly input: LabelInput;
  /** The question that each experiment has: it cannot be changed. */
  readonly isDefault: boolean;
  readonly createdTime: number;
  readonly lastUpdatedTime: number;
}

/** What a change says; absent fields stay. */
export interface LabelChange {
  readonly name?: string | undefined;
  readonly instruction?: string | undefined;
  readonly enableComment?: boolean | undefined;
  readonly input?: LabelInput | undefined;
}

export const defaultLabel = { name: 'Feedback', instruction: 'Share any feedback on this trace.' } as const;

export function labelSchemaToJson(schema: LabelSchema): Json {
  return {
    schema_id: schema.id,
    experiment_id: schema.experimentId,
    name: schema.name,
    type: schema.type,
    instruction: schema.instruction,
    enable_comment: schema.enableComment,
    input: schema.input,
    created_at: schema.createdTime,
    last_updated_at: schema.lastUpdatedTime,
    is_default: schema.isDefault,
  };
}

/** @throws MlopsError `invalid_value` for what is no question, in MLflow's words. */
export function checkLabelName(name: string): void {
  if (name.length === 0) throw invalid("Label schema `name` must be a non-empty string; got ''.");
  if (name.length > 250) throw invalid(`Label schema \`name\` must be at most 250 characters; got ${name.length}.`);
  if (name.trim().toLowerCase() !== defaultLabel.name.toLowerCase()) return;
  throw invalid(
    `\`${name}\` is reserved for the experiment's default question and cannot be used for another label schema.`,
  );
}

export function checkInstruction(instruction: string | undefined): void {
  if (instruction === undefined || instruction.length <= 1000) return;
  throw invalid(`Label schema \`instruction\` must be at most 1000 characters; got ${instruction.length}.`);
}

/** The input of a request, checked. */
export function readLabelInput(fields: Fields): LabelInput {
  if (fields.has('pass_fail')) return passFail(fields.message('pass_fail'));
  if (fields.has('categorical')) return categorical(fields.message('categorical'));
  if (fields.has('numeric')) return numeric(fields.message('numeric'));
  if (fields.has('text')) return text(fields.message('text'));
  throw invalid(
    'Label schema `input` must have exactly one of `pass_fail`, `categorical`, `numeric`, or `text` set; got an empty oneof.',
  );
}

function passFail(fields: Fields): LabelInput {
  const label = (name: string): string => {
    const value = fields.text(name) ?? '';
    if (value === '') throw invalid(`\`InputPassFail.${name}\` must be a non-empty string; got ''.`);
    if (value.length > 64) {
      throw invalid(`\`InputPassFail.${name}\` must be at most 64 characters; got ${value.length}.`);
    }
    return value;
  };
  const [positive, negative] = [label('positive_label'), label('negative_label')];
  if (positive === negative) {
    const got = `got '${positive}' for both`;
    throw invalid(`\`InputPassFail.positive_label\` and \`negative_label\` must be distinct; ${got}.`);
  }
  return { pass_fail: { positive_label: positive, negative_label: negative } };
}

function categorical(fields: Fields): LabelInput {
  const options = fields.texts('options');
  const what = '`InputCategorical.options`';
  if (options.length === 0) throw invalid(`${what} must be a non-empty list; got [].`);
  if (options.length > 10) throw invalid(`${what} must have at most 10 entries; got ${options.length}.`);
  for (const [i, option] of options.entries()) {
    if (option === '') throw invalid(`${what} entries must be non-empty strings; got ''.`);
    if (option.length > 64) throw invalid(`${what} entries must be at most 64 characters; got ${option.length}.`);
    if (options.indexOf(option) < i) throw invalid(`${what} must be deduplicated; '${option}' appears twice.`);
  }
  return { categorical: { options, multi_select: fields.flag('multi_select') ?? false } };
}

function numeric(fields: Fields): LabelInput {
  const [min, max] = [fields.double('min_value'), fields.double('max_value')];
  if (min !== undefined && max !== undefined && min >= max) {
    const got = `got min=${min}, max=${max}`;
    throw invalid(`\`InputNumeric.min_value\` must be strictly less than \`max_value\`; ${got}.`);
  }
  return { numeric: { min_value: min, max_value: max } };
}

function text(fields: Fields): LabelInput {
  const length = fields.integer('max_length');
  if (length !== undefined && length < 1) throw invalid(`\`InputText.max_length\` must be at least 1; got ${length}.`);
  return { text: { max_length: length } };
}

/** What may change of a question that was asked: its words and options, not the kind of answer. */
export function checkLabelChange(before: LabelSchema, change: LabelChange): void {
  if (before.isDefault) throw invalid("The experiment's default question cannot be edited.");
  if (change.name !== undefined) checkLabelName(change.name);
  checkInstruction(change.instruction);
  const { input } = change;
  if (input === undefined) return;
  const [old, kind] = [Object.keys(before.input)[0], Object.keys(input)[0]];
  if (old !== kind) {
    throw invalid(
      `A label schema's input type cannot be changed after creation (existing: ${String(old)}, got: ${String(kind)}).`,
    );
  }
  if (!('categorical' in input) || !('categorical' in before.input)) return;
  if (input.categorical.multi_select !== before.input.categorical.multi_select) {
    throw invalid('`InputCategorical.multi_select` cannot be changed after creation.');
  }
}
