import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import type { ModelDescription } from '../../model/index.ts';

/** What runs a model: onnxruntime, Python by MLflow's python_function flavor, or Python where there is no ONNX. */
export type Runtime = 'onnx' | 'python' | 'auto';

/**
 * The MLmodel file of a model that Python is to run; undefined where onnxruntime is.
 *
 * @throws MlopsError `model_not_servable` when Python is asked for, and MLflow knows no function in the folder.
 */
export function pythonFile(description: ModelDescription, runtime: Runtime): string | undefined {
  if (runtime === 'onnx' || (runtime === 'auto' && description.servable)) return undefined;
  if (isFunction(description)) return path.join(description.path, 'MLmodel');
  if (runtime === 'auto') return undefined;
  throw new MlopsError('model_not_servable', `'${description.path}' has no python_function flavor of MLflow`, {
    hint: 'log it with a flavor of MLflow (mlflow.sklearn.log_model, mlflow.pyfunc.log_model), or serve ONNX',
  });
}

function isFunction({ kind, flavors }: ModelDescription): boolean {
  return kind === 'mlflow-folder' && flavors.includes('python_function');
}

/** Why onnxruntime does not serve it, and what to do. */
export function notServable(description: ModelDescription, uri: string): MlopsError {
  const ways = [description.wayOut, isFunction(description) ? 'serve it by Python: --runtime python' : undefined];
  return new MlopsError('model_not_servable', `'${uri}' cannot be served: ${description.reason}`, {
    hint: ways.filter((way) => way !== undefined).join('; or '),
  });
}
