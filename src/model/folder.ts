import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { describeModel, type ModelDescription } from './describe.ts';
import { environmentFiles, fileMlModelText, onnxMlModelText, type OnnxMlModelFacts } from './mlmodel.ts';
import { deriveExample } from './signature.ts';

/** A file of a model folder to be: its text, or where its bytes lie now. */
export type PlannedFile =
  | { readonly path: string; readonly text: string }
  | { readonly path: string; readonly source: string };

export interface ModelFolderPlan {
  readonly files: readonly PlannedFile[];
  readonly description: ModelDescription;
  readonly modelUuid: string;
  /** Sum of the sizes of the copied files, in bytes. */
  readonly modelSize: number;
}

export interface ModelFolderOptions {
  /** Where the folder will lie: an URI or a path relative to the run's artifacts. */
  readonly artifactPath?: string | undefined;
  readonly runId?: string | undefined;
  readonly modelId?: string | undefined;
  /** Further files to store with the version, e.g. `serving.yaml`: where they lie now, and their path in the folder. */
  readonly extraFiles?: readonly { readonly path: string; readonly source: string }[];
  /** Default: now. */
  readonly created?: Date;
}

/**
 * Plans the MLflow model folder for a model file or folder, without writing anything, so that it can go to any
 * artifact store. An ONNX file gets the onnx and python_function flavours, a signature and an input example read
 * from its graph; an MLflow folder is taken over byte for byte; any other file is kept under the flavour `file`.
 *
 * @throws MlopsError `model_not_found`, `model_broken`.
 */
export async function planModelFolder(location: string, options: ModelFolderOptions = {}): Promise<ModelFolderPlan> {
  const description = await describeModel(location);
  const modelUuid = randomUUID().replaceAll('-', '');
  const modelSize = description.files.reduce((sum, file) => sum + file.size, 0);
  const extra = options.extraFiles ?? [];
  const taken = { description, modelUuid, modelSize };
  const base =
    description.kind === 'mlflow-folder' || description.kind === 'folder'
      ? description.path
      : path.dirname(description.path);
  const copies = description.files.map((file) => ({ path: file.path, source: path.join(base, file.path) }));
  if (description.kind === 'mlflow-folder') return { ...taken, files: [...copies, ...extra] };

  const facts: OnnxMlModelFacts = {
    artifactPath: options.artifactPath,
    runId: options.runId,
    modelId: options.modelId,
    modelUuid,
    modelSize,
    signature: description.signature,
    hasExample: false,
    created: options.created ?? new Date(),
  };
  if (description.onnxFile !== undefined)
    return { ...taken, files: [...(await onnxFiles(description, copies, facts)), ...extra] };
  const data = description.kind === 'file' ? path.basename(description.path) : '.';
  return { ...taken, files: [...copies, { path: 'MLmodel', text: await fileMlModelText(facts, data) }, ...extra] };
}

async function onnxFiles(
  description: ModelDescription,
  copies: readonly { path: string; source: string }[],
  facts: OnnxMlModelFacts,
): Promise<PlannedFile[]> {
  const example = description.onnx === undefined ? undefined : deriveExample(description.onnx);
  const environment = await environmentFiles();
  // A lone .onnx in a subfolder moves to the top, and its external data with it.
  const home = path.dirname(description.onnxFile ?? '');
  const files: PlannedFile[] = copies.map(({ path: name, source }) => {
    if (source === description.onnxFile) return { path: 'model.onnx', source };
    const external = path.relative(home, source).split(path.sep).join('/');
    return { path: description.onnx?.externalFiles.includes(external) === true ? external : name, source };
  });
  files.push({ path: 'MLmodel', text: await onnxMlModelText({ ...facts, hasExample: example !== undefined }) });
  for (const [name, text] of Object.entries(environment)) files.push({ path: name, text });
  if (example !== undefined) {
    files.push({ path: 'input_example.json', text: JSON.stringify(example) });
    files.push({ path: 'serving_input_example.json', text: JSON.stringify({ inputs: example }, undefined, 2) });
  }
  return files;
}

/** Writes a plan into a folder that does not exist or is empty; large files are copied by the system. */
export function writeModelFolder(plan: ModelFolderPlan, folder: string): void {
  for (const file of plan.files) {
    const target = path.join(folder, file.path);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    if ('text' in file) fs.writeFileSync(target, file.text);
    else fs.copyFileSync(file.source, target, fs.constants.COPYFILE_FICLONE);
  }
}
