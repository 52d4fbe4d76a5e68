import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';

import { isSystemError, messageOf, MlopsError, packageFolder } from '../../base/index.ts';
import type { ModelVersion } from '../../mlflow/index.ts';
import { describeModel, type ModelDescription } from '../../model/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { compareOutputs, type Comparison } from './compare-outputs.ts';
import { downloadModel } from './download-model.ts';
import { registerModel, type Registered } from './register.ts';
import { versionTag } from './resolve-model.ts';

export interface ConvertOptions {
  /** The interpreter, which has the model's packages and the converter. */
  readonly python: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The project's folder. */
  readonly root: string;
  readonly user: string;
  readonly signal?: AbortSignal | undefined;
}

export interface Converted {
  readonly registered: Registered;
  /** The package that converted it, with its version. */
  readonly by: string;
  /** How near both are on the input example; undefined where there was none to try. */
  readonly comparison: Comparison | undefined;
}

/** What the Python program answers; see convert_model.py. */
interface Said {
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly checks?: readonly { readonly output: number; readonly column: number | null; readonly values: unknown }[];
  readonly by?: string;
  readonly missing?: string;
  readonly error?: string;
}

/** Files that are converted without an MLflow flavor, by what they end in. */
const fileFlavors: readonly (readonly [RegExp, string])[] = [
  [/\.(pkl|pickle|joblib)$/i, 'sklearn'],
  [/\.(ubj|xgb|bst)$/i, 'xgboost'],
  [/\.(lgb|lgbm)$/i, 'lightgbm'],
  [/\.pt$/i, 'pytorch'],
  [/\.(h5|keras)$/i, 'tensorflow'],
];

const flavors = ['xgboost', 'lightgbm', 'sklearn', 'pytorch', 'tensorflow', 'keras', 'transformers'];

/**
 * Converts a registered version to ONNX by the user's Python, compares what both answer to the input example, and
 * registers the result as the next version, which says what it was made of.
 *
 * @throws MlopsError `program_missing` without Python or a package, `model_not_servable` for a flavor without a way,
 * `conversion_failed` where the converter fails or the answers differ.
 */
export async function convertModel(
  store: TrackingStore,
  version: ModelVersion,
  options: ConvertOptions,
): Promise<Converted> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-convert-'));
  try {
    const folder = path.join(dir, 'model');
    await downloadModel(store, version, folder);
    const request = requestOf(await describeModel(folder), version);
    const out = path.join(dir, `${version.name.replaceAll(/[^\w.-]/g, '_')}.onnx`);
    const said = await run({ ...request, out }, options);
    const { inputs = {}, checks = [], by = '' } = said;
    const comparison = checks.length === 0 ? undefined : await compareOutputs(out, inputs, checks);
    if (comparison !== undefined && !comparison.same) {
      throw new MlopsError('conversion_failed', `the ONNX model answers otherwise: ${comparison.problem}`, {
        hint: 'nothing was registered; see whether the model has steps that the converter only approximates',
      });
    }
    const from = `models:/${version.name}/${version.version}`;
    const registered = await registerModel(store, {
      ...{ source: out, name: version.name, metrics: new Map(), cwd: options.cwd, root: options.root },
      user: options.user,
      description: `${from} as ONNX, by ${by}`,
      runId: version.runId === '' ? undefined : version.runId,
      tags: [
        { key: 'mlops.converted_from', value: from },
        { key: 'mlops.converted_by', value: by },
        ...(comparison === undefined
          ? []
          : [{ key: 'mlops.converted_difference', value: String(comparison.difference) }]),
      ],
    });
    return { registered, by, comparison };
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

function requestOf(description: ModelDescription, version: ModelVersion) {
  const what = `${version.name} version ${version.version}`;
  if (description.onnxFile !== undefined) {
    throw new MlopsError('model_not_servable', `${what} is ONNX already`, { hint: 'nothing is to be done' });
  }
  const { mlModel } = description;
  const known = flavors.filter((flavor) => description.flavors.includes(flavor));
  if (known.length > 0) return { path: description.path, flavors: known, kind: 'folder' };
  const data = mlModel?.flavors.get('file')?.['data'];
  const file = typeof data === 'string' ? data : (description.files[0]?.path ?? '');
  const flavor = fileFlavors.find(([form]) => form.test(file))?.[1];
  if (flavor !== undefined) return { path: path.join(description.path, file), flavors: [flavor], kind: 'file' };
  const reason = versionTag(version, 'mlops.reason') ?? description.reason ?? 'its kind is not known';
  throw new MlopsError('model_not_servable', `${what} cannot be converted: ${reason}`, {
    hint: `flavors that can: ${flavors.join(', ')}`,
  });
}

async function run(request: object, { python, env, cwd, signal }: ConvertOptions): Promise<Said> {
  const text = await new Promise<string>((resolve, reject) => {
    const args = [programFile(), JSON.stringify(request)];
    const settings = { env, cwd, signal, maxBuffer: 1 << 28 };
    execFile(python, args, settings, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      if (isSystemError(error, 'ENOENT')) {
        return reject(
          new MlopsError('program_missing', `there is no Python '${python}'`, { hint: 'name one with --python PATH' }),
        );
      }
      const why = stderr.trim().split('\n').at(-1) ?? messageOf(error);
      reject(new MlopsError('conversion_failed', `Python ended while it converted the model: ${why}`));
    });
  });
  const said = JSON.parse(text) as Said;
  if (said.missing !== undefined) {
    throw new MlopsError('program_missing', `'${python}' has no ${said.missing}, which the conversion needs`, {
      hint: `${python} -m pip install ${said.missing}`,
    });
  }
  if (said.error !== undefined) throw new MlopsError('conversion_failed', `the model was not converted: ${said.error}`);
  return said;
}

/** The program that converts: beside this file, or in `dist/python` of the package. */
function programFile(): string {
  const here = fileURLToPath(import.meta.url);
  const beside = path.join(path.dirname(here), 'convert_model.py');
  return fs.existsSync(beside) ? beside : path.join(packageFolder('dist', here), 'dist/python/convert_model.py');
}
