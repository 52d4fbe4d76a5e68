import * as fs from 'node:fs';
import * as path from 'node:path';

import { filesBelow, MlopsError } from '../base/index.ts';
import { parseMlModel, type MlModel } from './mlmodel.ts';
import { readOnnx, type OnnxModel } from './onnx.ts';
import { deriveSignature, unservableInput, unservableOutput, type Signature } from './signature.ts';

/** What a model file or folder is, and whether `mlops serve` can serve it. */
export interface ModelDescription {
  readonly kind: 'onnx-file' | 'mlflow-folder' | 'file' | 'folder';
  /** Absolute path that was described. */
  readonly path: string;
  /** Names of the MLmodel's flavours; `onnx` for a bare ONNX file. */
  readonly flavors: readonly string[];
  readonly servable: boolean;
  /** Why it is not servable, and the way out. */
  readonly reason: string | undefined;
  readonly wayOut: string | undefined;
  /** Absolute path of the `.onnx` file, when there is one. */
  readonly onnxFile: string | undefined;
  readonly onnx: OnnxModel | undefined;
  readonly mlModel: MlModel | undefined;
  /** From the MLmodel, else derived from the graph. */
  readonly signature: Signature | undefined;
  /** All files with their sizes in bytes, paths relative to `path` (a file: its own name and external data). */
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

/**
 * Looks at a model file or folder of any kind. Only ONNX is read in depth.
 *
 * @throws MlopsError `model_not_found` when there is nothing, `model_broken` when an ONNX file or MLmodel is garbage.
 */
export async function describeModel(location: string): Promise<ModelDescription> {
  const absolute = path.resolve(location);
  const stat = fs.statSync(absolute, { throwIfNoEntry: false });
  if (stat === undefined) {
    throw new MlopsError('model_not_found', `there is no model at '${location}'`, { hint: 'check the path' });
  }
  if (!stat.isDirectory()) return describeFile(absolute);
  const files = listFiles(absolute);
  if (declaresEnsemble(absolute)) return { ...plain('folder', absolute, files), flavors: ['ensemble'], servable: true };
  if (files.some((file) => file.path === 'MLmodel')) return describeMlflowFolder(absolute, files);
  const onnxFiles = files.filter((file) => file.path.endsWith('.onnx'));
  const [only] = onnxFiles;
  if (onnxFiles.length === 1 && only !== undefined) {
    return describeOnnx(path.join(absolute, only.path), { kind: 'folder', path: absolute, files });
  }
  return {
    ...plain('folder', absolute, files),
    reason:
      onnxFiles.length === 0
        ? 'the folder has no MLmodel and no .onnx file'
        : 'the folder has several .onnx files and no MLmodel',
    wayOut: 'name the .onnx file itself, or save the folder with mlflow.onnx.save_model',
  };
}

/** True for a folder whose serving.yaml has members of other models in place of a model. */
export function declaresEnsemble(folder: string): boolean {
  const file = path.join(folder, 'serving.yaml');
  return fs.existsSync(file) && /^ensemble[ \t]{0,9}:/m.test(fs.readFileSync(file, 'utf8'));
}

async function describeFile(file: string): Promise<ModelDescription> {
  const own = { path: path.basename(file), size: fs.statSync(file).size };
  if (file.toLowerCase().endsWith('.onnx')) return describeOnnx(file, { kind: 'onnx-file', path: file, files: [own] });
  const way = conversions.find((conversion) => conversion.extensions.includes(path.extname(file).toLowerCase()));
  return {
    ...plain('file', file, [own]),
    reason: `it is ${way?.what ?? `a '${path.extname(file) || 'plain'}' file`}, not ONNX`,
    wayOut: way?.wayOut ?? 'convert the model to ONNX and register the .onnx file',
  };
}

function plain(kind: 'file' | 'folder', location: string, files: ModelDescription['files']): ModelDescription {
  return {
    kind,
    path: location,
    flavors: [],
    servable: false,
    reason: undefined,
    wayOut: undefined,
    onnxFile: undefined,
    onnx: undefined,
    mlModel: undefined,
    signature: undefined,
    files,
  };
}

type Place = Pick<ModelDescription, 'kind' | 'path' | 'files'> & { readonly mlModel?: MlModel };

async function describeOnnx(file: string, place: Place): Promise<ModelDescription> {
  // Not at once: a server that loads a large model answers others meanwhile.
  const onnx = readOnnx(await fs.promises.readFile(file), file);
  const files = [...place.files];
  for (const external of onnx.externalFiles) {
    const stat = fs.statSync(path.join(path.dirname(file), external), { throwIfNoEntry: false });
    if (stat === undefined) throw missingExternal(file, external);
    if (place.kind === 'onnx-file') files.push({ path: external, size: stat.size });
  }
  const problem = whyNotServable(onnx);
  const { mlModel } = place;
  return {
    kind: place.kind,
    path: place.path,
    flavors: mlModel === undefined ? ['onnx'] : [...mlModel.flavors.keys()],
    servable: problem === undefined,
    reason: problem?.reason,
    wayOut: problem?.wayOut,
    onnxFile: file,
    onnx,
    mlModel,
    signature: mlModel?.signature ?? deriveSignature(onnx),
    files,
  };
}

function missingExternal(file: string, external: string): MlopsError {
  return new MlopsError('model_broken', `'${file}' keeps weights in '${external}', which is not there`, {
    hint: `put '${external}' beside the model, or save it again with all weights inside (save_as_external_data=False)`,
  });
}

function whyNotServable(model: OnnxModel): { reason: string; wayOut: string } | undefined {
  const bad = unservableInput(model);
  if (bad !== undefined) {
    return {
      reason: `its input '${bad.name}' has the type ${bad.type}, which onnxruntime-node cannot take`,
      wayOut:
        'export the model with tensor inputs of a plain type (for bfloat16 and float8: cast from float32 in the graph)',
    };
  }
  const output = unservableOutput(model);
  if (output !== undefined) {
    return {
      reason: `its output '${output.name}' has the type ${output.type}, which onnxruntime-node cannot return`,
      wayOut: output.type.startsWith('tensor(')
        ? 'export the model with tensor outputs of a plain type'
        : 'export the model with tensor outputs, one for each part of a sequence',
    };
  }
  return undefined;
}

async function describeMlflowFolder(folder: string, files: ModelDescription['files']): Promise<ModelDescription> {
  const mlModel = await parseMlModel(
    fs.readFileSync(path.join(folder, 'MLmodel'), 'utf8'),
    path.join(folder, 'MLmodel'),
  );
  const onnxFlavor = mlModel.flavors.get('onnx');
  if (onnxFlavor === undefined) return describeOtherFlavor(folder, files, mlModel);
  const data = onnxFlavor['data'];
  const name = typeof data === 'string' ? data : 'model.onnx';
  const file = path.join(folder, name);
  if (!file.startsWith(folder + path.sep) || !fs.existsSync(file)) {
    throw new MlopsError('model_broken', `'${path.join(folder, 'MLmodel')}' names '${name}', which is not there`, {
      hint: 'download or register the whole model folder again',
    });
  }
  return describeOnnx(file, { kind: 'mlflow-folder', path: folder, files, mlModel });
}

function describeOtherFlavor(folder: string, files: ModelDescription['files'], mlModel: MlModel): ModelDescription {
  const flavors = [...mlModel.flavors.keys()];
  const own = flavors.filter((flavor) => flavor !== 'python_function');
  const stored =
    typeof mlModel.flavors.get('file')?.['data'] === 'string' ? String(mlModel.flavors.get('file')?.['data']) : '';
  const way =
    conversions.find((conversion) => own.some((flavor) => conversion.flavors.includes(flavor))) ??
    conversions.find((conversion) => conversion.extensions.includes(path.extname(stored).toLowerCase()));
  const called = own.length === 0 ? 'a python_function model' : `a model of the flavour ${own.join(', ')}`;
  return {
    ...plain('folder', folder, files),
    kind: 'mlflow-folder',
    flavors,
    mlModel,
    signature: mlModel.signature,
    reason: `it is ${way?.what ?? called}, not ONNX`,
    wayOut: way?.wayOut ?? 'convert the model to ONNX and register the .onnx file',
  };
}

interface Conversion {
  readonly flavors: readonly string[];
  readonly extensions: readonly string[];
  readonly what: string;
  readonly wayOut: string;
}

/** How models of other tools become ONNX: by MLflow flavour, or by a file's extension. */
const conversions: readonly Conversion[] = [
  {
    flavors: ['sklearn'],
    extensions: ['.pkl', '.pickle', '.joblib', '.skops'],
    what: 'a pickled Python model (scikit-learn)',
    wayOut: 'convert it with skl2onnx (`skl2onnx.to_onnx(model, X[:1])`) and register the .onnx file',
  },
  {
    flavors: ['pytorch'],
    extensions: ['.pt', '.pth', '.ckpt', '.bin', '.safetensors'],
    what: 'PyTorch weights',
    wayOut: 'export it with torch.onnx.export(model, example, "model.onnx") and register the .onnx file',
  },
  {
    flavors: ['tensorflow', 'keras'],
    extensions: ['.h5', '.keras', '.pb', '.tflite'],
    what: 'a TensorFlow or Keras model',
    wayOut: 'convert it with tf2onnx (`python -m tf2onnx.convert`) and register the .onnx file',
  },
  {
    flavors: ['xgboost', 'lightgbm', 'catboost'],
    extensions: ['.ubj', '.xgb', '.lgb', '.cbm', '.bst'],
    what: 'a gradient-boosting model',
    wayOut: 'convert it with onnxmltools (CatBoost: save_model(format="onnx")) and register the .onnx file',
  },
  {
    flavors: ['transformers', 'sentence_transformers'],
    extensions: [],
    what: 'a Hugging Face model',
    wayOut: 'export it with optimum (`optimum-cli export onnx`) and register the folder with its tokenizer.json',
  },
];

function listFiles(folder: string): { path: string; size: number }[] {
  return filesBelow(folder)
    .map((file) => ({ path: file, size: fs.statSync(path.join(folder, file)).size }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}
