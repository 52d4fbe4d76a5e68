import { MlopsError } from '../base/index.ts';
import type { Signature } from './signature.ts';
import { parseYaml, stringifyYaml } from './yaml-text.ts';

/** The parts of MLflow's `MLmodel` file that we use; everything else stays in `raw`. */
export interface MlModel {
  readonly flavors: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  readonly signature: Signature | undefined;
  readonly inputExample: { readonly path: string; readonly servingPath: string | undefined } | undefined;
  readonly runId: string | undefined;
  readonly modelId: string | undefined;
  readonly mlflowVersion: string | undefined;
  readonly raw: Readonly<Record<string, unknown>>;
}

/** @throws MlopsError `model_broken` when the text is no MLmodel. */
export async function parseMlModel(text: string, where: string): Promise<MlModel> {
  const raw = await parseYaml(text, where);
  if (!isRecord(raw) || !isRecord(raw['flavors'])) {
    throw new MlopsError('model_broken', `'${where}' is not an MLmodel file: it has no 'flavors'`, {
      hint: 'register the model again, or save it with mlflow',
    });
  }
  const flavors = Object.entries(raw['flavors']).map(([name, value]) => [name, isRecord(value) ? value : {}] as const);
  return {
    flavors: new Map(flavors),
    signature: signatureOf(raw['signature']),
    inputExample: exampleOf(raw['saved_input_example_info']),
    runId: optionalText(raw['run_id']),
    modelId: optionalText(raw['model_id']),
    mlflowVersion: optionalText(raw['mlflow_version']),
    raw,
  };
}

function signatureOf(value: unknown): Signature | undefined {
  if (!isRecord(value) || typeof value['inputs'] !== 'string') return undefined;
  return {
    inputs: value['inputs'],
    outputs: optionalText(value['outputs']) ?? '[]',
    params: optionalText(value['params']),
  };
}

function exampleOf(value: unknown): MlModel['inputExample'] {
  if (!isRecord(value) || typeof value['artifact_path'] !== 'string') return undefined;
  return { path: value['artifact_path'], servingPath: optionalText(value['serving_input_path']) };
}

/** What an MLmodel of the onnx flavour needs to say. */
export interface OnnxMlModelFacts {
  readonly artifactPath?: string | undefined;
  readonly runId?: string | undefined;
  readonly modelId?: string | undefined;
  readonly modelUuid: string;
  readonly modelSize: number;
  readonly signature: Signature | undefined;
  readonly hasExample: boolean;
  readonly created: Date;
}

/** Versions that the written environment files name: a set that loads the models we write. */
export const pythonPins = {
  python: '3.11.7',
  mlflow: '3.17.2',
  numpy: '2.4.6',
  onnx: '1.21.0',
  onnxruntime: '1.30.0',
} as const;

/** The text of an MLmodel with the onnx and python_function flavours, keys in MLflow's order. */
export function onnxMlModelText(facts: OnnxMlModelFacts): Promise<string> {
  const flavors = {
    onnx: {
      code: null,
      data: 'model.onnx',
      onnx_session_options: null,
      onnx_version: pythonPins.onnx,
      providers: ['CPUExecutionProvider'],
    },
    python_function: {
      data: 'model.onnx',
      env: { conda: 'conda.yaml', virtualenv: 'python_env.yaml' },
      loader_module: 'mlflow.onnx',
      python_version: pythonPins.python,
    },
  };
  return mlModelText(facts, flavors);
}

/** The text of an MLmodel for a file of no flavour that MLflow knows; Python gets it as a plain artifact. */
export function fileMlModelText(facts: OnnxMlModelFacts, file: string): Promise<string> {
  return mlModelText(facts, { file: { data: file } });
}

function mlModelText(facts: OnnxMlModelFacts, flavors: Record<string, unknown>): Promise<string> {
  const { signature } = facts;
  return stringifyYaml({
    ...(facts.artifactPath === undefined ? {} : { artifact_path: facts.artifactPath }),
    flavors,
    is_signature_from_type_hint: false,
    mlflow_version: pythonPins.mlflow,
    model_id: facts.modelId ?? null,
    model_size_bytes: facts.modelSize,
    model_uuid: facts.modelUuid,
    prompts: null,
    ...(facts.runId === undefined ? {} : { run_id: facts.runId }),
    ...(facts.hasExample
      ? {
          saved_input_example_info: {
            artifact_path: 'input_example.json',
            serving_input_path: 'serving_input_example.json',
            type: 'ndarray',
          },
        }
      : {}),
    ...(signature === undefined
      ? {}
      : {
          signature: { inputs: signature.inputs, outputs: signature.outputs, params: signature.params ?? null },
        }),
    type_hint_from_example: false,
    utc_time_created: pythonTime(facts.created),
  });
}

/** `str(datetime.utcnow())`: `2026-11-21 10:09:53.858000`. */
function pythonTime(date: Date): string {
  return date.toISOString().replace('T', ' ').replace('Z', '000');
}

/** requirements.txt, conda.yaml and python_env.yaml by name. */
export async function environmentFiles(): Promise<Readonly<Record<string, string>>> {
  const { python, mlflow, numpy, onnx, onnxruntime } = pythonPins;
  const requirements = [`mlflow==${mlflow}`, `numpy==${numpy}`, `onnx==${onnx}`, `onnxruntime==${onnxruntime}`];
  return {
    'requirements.txt': requirements.join('\n'),
    'conda.yaml': await stringifyYaml({
      channels: ['conda-forge'],
      dependencies: [`python=${python}`, 'pip<=23.2.1', { pip: requirements }],
      name: 'mlflow-env',
    }),
    'python_env.yaml': await stringifyYaml({
      python,
      build_dependencies: ['pip==23.2.1', 'setuptools==65.5.0', 'wheel'],
      dependencies: ['-r requirements.txt'],
    }),
  };
}

function optionalText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
