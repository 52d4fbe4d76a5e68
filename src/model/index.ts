/**
 * Model files: ONNX protobuf, ZipMap rewrite, MLflow's model folder, signatures and examples.
 *
 * Words: a *signature* names inputs and outputs with their types; a model is *servable* when all of them are tensors
 * of types that requests can carry.
 * Never: runs a model: that is `serve`, in threads.
 */
export { declaresEnsemble, describeModel, type ModelDescription } from './describe.ts';
export {
  planModelFolder,
  writeModelFolder,
  type ModelFolderOptions,
  type ModelFolderPlan,
  type PlannedFile,
} from './folder.ts';
export { rewriteLocale } from './locale.ts';
export { parseMlModel, type MlModel } from './mlmodel.ts';
export { readOnnx, type OnnxModel, type OnnxValue } from './onnx.ts';
export {
  deriveExample,
  deriveSignature,
  servableInputs,
  servableOutputs,
  unservableInput,
  unservableOutput,
  type Signature,
} from './signature.ts';
export { isDtype, wireShape, type Dim, type Dtype, type TensorInfo } from './tensor-types.ts';
export { parseYaml } from './yaml-text.ts';
export { rewriteZipMap } from './zipmap.ts';
export { openOptionalInputs, optionalInputs, type DefaultValue } from './optional-inputs.ts';
export { analyseRows, type RowsVerdict } from './rows/analyse.ts';
export type { Choice } from './rows/node-view.ts';
