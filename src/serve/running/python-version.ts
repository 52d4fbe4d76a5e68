import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { filesBelow, MlopsError, type Logger } from '../../base/index.ts';
import type { Dtype, MlModel, TensorInfo } from '../../model/index.ts';
import type { ModelRef } from '../models/model-source.ts';
import { loadProcessing } from '../processing/processing.ts';
import type { PythonEnvironment } from '../python/environment.ts';
import { declaredOutputs, holdsJson, paramsInput, pythonFacts } from '../python/python-model.ts';
import type { PythonPool } from '../python/python-pool.ts';
import type { PythonDescription } from '../python/python-process.ts';
import { noGraph, type LabelPlan, type ServedVersion } from './served-version.ts';

/** A folder with an MLmodel that Python is to run. */
export interface PythonFolder {
  readonly ref: ModelRef;
  /** Path of its MLmodel. */
  readonly file: string;
  readonly mlModel: MlModel;
}

export interface PythonRuntime {
  readonly pool: PythonPool;
  readonly environment: PythonEnvironment;
}

/**
 * Loads a model folder with the `python_function` flavor into processes of its own.
 *
 * @throws MlopsError `program_missing`, `model_broken`, `bad_config`, `model_not_servable` where Python is not wanted.
 */
export async function loadPythonVersion(
  runtime: PythonRuntime | undefined,
  { ref, file, mlModel }: PythonFolder,
  log: Logger,
): Promise<ServedVersion> {
  if (runtime === undefined) {
    throw new MlopsError('model_not_servable', `'${ref.name}' is a Python model, and Python does not run here`);
  }
  const { pool, environment } = runtime;
  const folder = path.dirname(file);
  const facts = pythonFacts(mlModel);
  const { python, host, env } = await environment.prepare(folder, mlModel);
  const { session, description } = await pool.load({ python, host, env, folder, facts });
  try {
    const outputs = outputsOf(description, mlModel);
    const edges = { inputs: facts.inputs, outputs };
    const processing = facts.mode === 'json' ? undefined : await loadProcessing(file, edges);
    const md5 = createHash('md5').update(fs.readFileSync(file)).digest('hex');
    const version: ServedVersion = {
      ref: { ...ref, md5: ref.md5 ?? md5 },
      session,
      python: facts,
      onnx: { ...noGraph, producer: `mlflow ${description.mlflow}` },
      md5,
      size: sizeOf(folder),
      ...edges,
      optional: facts.params ? [{ name: paramsInput, dtype: 'string', dims: [1] }] : [],
      outputNames: outputs.map(({ name }) => name),
      labels: holdsJson(description.shape ?? undefined) ? undefined : labelsOf(outputs),
      mlModel,
      processing,
      exactIntegers: facts.mode === 'json' || facts.inputs.some(({ dtype }) => dtype === 'int64' || dtype === 'uint64'),
      alone: aloneBecause(description, processing?.batching),
      loadedAt: new Date(),
    };
    for (const warning of warningsOf(description, ref, python)) log.warn(warning);
    return version;
  } catch (error) {
    await pool.release(session);
    throw error;
  }
}

function outputsOf({ outputs }: PythonDescription, mlModel: MlModel): TensorInfo[] {
  if (outputs.length === 0) return declaredOutputs(mlModel);
  return outputs.map(({ name, dtype, dims }) => ({
    name,
    dtype: dtype as Dtype,
    dims: dims.map((size, axis) => size ?? (axis === 0 ? 'N' : `D${axis}`)),
  }));
}

/** A single text or whole number for each row is a class. */
function labelsOf(outputs: readonly TensorInfo[]): LabelPlan | undefined {
  const [only] = outputs;
  if (only === undefined || outputs.length > 1 || only.dims?.length !== 1) return undefined;
  return only.dtype === 'string' || only.dtype.startsWith('int')
    ? { output: only.name, classes: undefined }
    : undefined;
}

function aloneBecause({ alone }: PythonDescription, batching: 'on' | 'off' | undefined): string | undefined {
  if (batching === 'on') return undefined;
  return batching === 'off' ? 'serving.yaml says so' : (alone ?? undefined);
}

function warningsOf({ differences }: PythonDescription, { name }: ModelRef, python: string): string[] {
  if (differences.length === 0) return [];
  const listed = differences.map(([pack, wanted, found]) => `${pack} ${wanted} (here ${found ?? 'none'})`);
  return [`'${name}' was made with ${listed.join(', ')}: '${python}' differs`];
}

function sizeOf(folder: string): number {
  return filesBelow(folder).reduce((sum, file) => sum + fs.statSync(path.join(folder, file)).size, 0);
}
