import {
  checkBatch,
  checkLength,
  checkMetric,
  checkParam,
  checkTag,
  invalid,
  limits,
  randomRunName,
  type DatasetInput,
} from '../../mlflow/index.ts';
import type { Batch, NewRun } from '../types.ts';

/** A run with the name that it will have; `mlflow.runName` is not among its tags, because the name is that tag. */
export interface NamedRun extends NewRun {
  readonly name: string;
}

/**
 * The name of a new run: what is given, else the tag `mlflow.runName`, else a random one. Tags that a run begins
 * with are kept as they are, as in MLflow: long descriptions, odd keys.
 *
 * @throws MlopsError `invalid_value` when name and tag differ.
 */
export function nameRun(wanted: NewRun): NamedRun {
  const tags = wanted.tags ?? [];
  const tagged = tags.findLast((tag) => tag.key === 'mlflow.runName')?.value ?? '';
  const given = wanted.name ?? '';
  if (given !== '' && tagged !== '' && given !== tagged) {
    throw invalid(
      `Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='${given}', mlflow.runName='${tagged}').`,
    );
  }
  const name = given || tagged || randomRunName();
  return { ...wanted, name, tags: tags.filter((tag) => tag.key !== 'mlflow.runName') };
}

/** Checks a batch whole and returns it as it is stored. */
export function checkedBatch(batch: Batch): Required<Batch> {
  const { metrics = [], params = [], tags = [] } = batch;
  checkBatch({ metrics, params, tags });
  // MLflow names the place in a batch; what comes alone has none.
  const alone = metrics.length + params.length + tags.length === 1;
  const place = (i: number): number | undefined => (alone ? undefined : i);
  return {
    metrics: metrics.map((one, i) => checkMetric(one, place(i))),
    params: params.map((one, i) => checkParam(one, place(i))),
    tags: tags.map((one, i) => checkTag(one, place(i))),
  };
}

export function checkInputs(inputs: readonly DatasetInput[]): void {
  for (const { dataset, tags } of inputs) {
    checkLength('name', dataset.name, limits.datasetName);
    checkLength('digest', dataset.digest, limits.datasetDigest);
    checkLength('source', dataset.source, limits.datasetSource);
    checkLength('schema', dataset.schema ?? '', limits.datasetSchema);
    checkLength('profile', dataset.profile ?? '', limits.datasetProfile);
    for (const { key, value } of tags) {
      if (key === '') throw invalid('Dataset input tag key cannot be empty');
      checkLength('key', key, limits.inputTagKey);
      checkLength('value', value, limits.inputTagValue);
    }
  }
}
