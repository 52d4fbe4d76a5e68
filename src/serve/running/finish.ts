import type { PictureFacts, Placement } from '../../pictures/index.ts';
import type { PythonShape } from '../python/python-model.ts';
import type { Processed } from '../processing/steps.ts';
import type { Tensor, Tensors } from '../wire/tensor.ts';
import type { VersionFacts } from './served-version.ts';
import type { AnswerDistribution } from './stats.ts';

/** A run whose tensors are not an answer yet. */
export interface Run {
  readonly version: VersionFacts;
  readonly feeds: Tensors;
  /** The outputs that the request wants, in order. */
  readonly fetches: readonly string[];
  /** What the model gave. */
  readonly raw: Tensors;
  /** What a Python model returned them as. */
  readonly shape?: PythonShape | undefined;
  /** Apply the outputs part of serving.yaml. */
  readonly processed: boolean;
  /** Of the pictures that became rows. */
  readonly pictures?:
    | readonly { readonly placement: Placement; readonly facts: PictureFacts | undefined }[]
    | undefined;
}

/** What is answered for a run. */
export interface Finished extends Processed {
  readonly fetches: readonly string[];
}

/** Steps of serving.yaml and labels. */
export function finish({ version, feeds, fetches, raw, processed, pictures }: Run): Finished {
  const placements = pictures?.map(({ placement }) => placement);
  const done = processed ? version.processing?.output?.apply(raw, feeds, placements) : undefined;
  const outputs = done?.outputs ?? raw;
  return {
    outputs,
    fetches:
      done === undefined
        ? version.python === undefined
          ? fetches
          : present(fetches, raw)
        : [...Object.keys(outputs), ...Object.keys(done.objects ?? {})],
    labels: done?.labels ?? labelsOf(version, raw),
    top: done?.top,
    units: done?.units,
    objects: done?.objects,
  };
}

/** The wanted outputs that there are; a Python model may return others than it was found to: then all of them. */
function present(fetches: readonly string[], raw: Tensors): readonly string[] {
  const found = fetches.filter((name) => raw[name] !== undefined);
  return found.length > 0 ? found : Object.keys(raw);
}

/** One label for each row, where the model has labels. */
function labelsOf(version: VersionFacts, outputs: Tensors): string[] | undefined {
  const plan = version.labels;
  const tensor = plan === undefined ? undefined : outputs[plan.output];
  if (plan === undefined || tensor === undefined) return undefined;
  if (tensor.dims.length === 1) {
    return Array.from(tensor.data as ArrayLike<unknown>, (value) => plan.classes?.[Number(value)] ?? String(value));
  }
  const [rows = 0, columns = 0] = tensor.dims;
  const scores = tensor.data as Float32Array;
  return Array.from({ length: rows }, (_, row) => {
    let best = 0;
    for (let c = 1; c < columns; c++) {
      if ((scores[row * columns + c] ?? 0) > (scores[row * columns + best] ?? 0)) best = c;
    }
    return plan.classes?.[best] ?? String(best);
  });
}

/** Counts labels, or the numbers of the first output. */
export function countAnswers(answers: AnswerDistribution, { version, raw }: Run, labels: Finished['labels']): void {
  if (labels !== undefined) {
    for (const label of labels) answers.label(label);
    return;
  }
  const tensor = raw[version.outputNames[0] ?? ''];
  if (tensor !== undefined && isSmallFloat(tensor))
    for (const value of tensor.data as Float32Array) answers.number(value);
}

/** One number per row, as a regression answers; wide outputs have no single distribution. */
function isSmallFloat(tensor: Tensor): boolean {
  if (tensor.dtype !== 'float32' && tensor.dtype !== 'float64') return false;
  return tensor.dims.length < 2 || tensor.dims[1] === 1;
}
