import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { compareCodePoints, filesBelow, MlopsError, temporaryName } from '../../base/index.ts';
import { manifestId, type TreeFile } from '../../data/index.ts';
import type { ModelVersion } from '../../mlflow/index.ts';
import { templateContents } from '../../scaffold/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { downloadModel } from './download-model.ts';

/** What a build context was made of. */
export interface PackagedModel {
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** Of the model's folder, as DVC names folders; it changes with any byte of it. */
  readonly md5: string;
  /** All files of the context, relative to it. */
  readonly files: readonly string[];
}

export interface PackageOptions {
  /** Version of this program, which the image installs. */
  readonly program: string;
  /** A Dockerfile of the project; the usual one where it is not there. */
  readonly dockerfile: string;
  readonly force?: boolean;
}

/** 1980, the first year that every archive format knows: the same bytes in the same order make the same archive. */
const always = new Date(Date.UTC(1980, 0, 1));

/**
 * Writes a folder that `docker build` makes an image of: the files of a version in `models/NAME`, `model.json` with their
 * md5, `package.json` that pins this program, a Dockerfile whose arguments name the version. The same version gives the
 * same bytes and times.
 *
 * @throws MlopsError `files_in_the_way`, `model_not_found` when the version has no files.
 */
export async function packageModel(
  store: TrackingStore,
  version: ModelVersion,
  target: string,
  { program, dockerfile, force = false }: PackageOptions,
): Promise<PackagedModel> {
  if (!force && fs.existsSync(target) && fs.readdirSync(target).length > 0) {
    throw new MlopsError('files_in_the_way', `'${target}' is not empty`, { hint: 'name another folder with --out' });
  }
  const temporary = temporaryName(target);
  try {
    const folder = path.join(temporary, 'models', version.name);
    fs.mkdirSync(path.dirname(folder), { recursive: true });
    await downloadModel(store, version, folder);
    const models = filesBelow(folder).sort(compareCodePoints);
    const digests = models.map((relpath): TreeFile => ({ relpath, md5: md5Of(path.join(folder, relpath)) }));
    const md5 = manifestId(digests);
    const commit = version.tags.find(({ key }) => key === 'mlops.git.commit')?.value;
    const about = { name: version.name, version: version.version, md5, commit, run_id: version.runId, files: digests };
    writeJson(path.join(temporary, 'model.json'), about);
    writeJson(path.join(temporary, 'package.json'), { private: true, dependencies: { mlops: program } });
    const named = { MODEL_NAME: version.name, MODEL_VERSION: version.version, MODEL_MD5: md5, GIT_SHA: commit };
    const recipe = fs.existsSync(dockerfile) ? fs.readFileSync(dockerfile, 'utf8') : usualDockerfile(version.name);
    fs.writeFileSync(path.join(temporary, 'Dockerfile'), withArguments(recipe, named));
    const files = filesBelow(temporary).sort(compareCodePoints);
    for (const file of files) fs.chmodSync(path.join(temporary, file), 0o644);
    for (const entry of fs.readdirSync(temporary, { recursive: true, encoding: 'utf8' })) {
      fs.utimesSync(path.join(temporary, entry), always, always);
    }
    fs.rmSync(target, { recursive: true, force: true });
    fs.renameSync(temporary, target);
    fs.utimesSync(target, always, always);
    return { path: target, name: version.name, version: version.version, md5, files };
  } finally {
    fs.rmSync(temporary, { recursive: true, force: true });
  }
}

/** `ARG NAME=...` gets its value; other lines stay. */
function withArguments(dockerfile: string, values: Readonly<Record<string, string | undefined>>): string {
  return dockerfile
    .split('\n')
    .map((line) => {
      const name = /^ARG (\w+)=/.exec(line)?.[1] ?? '';
      const value = values[name];
      return value === undefined || !/^[\w.@:/+-]+$/.test(value) ? line : `ARG ${name}=${value}`;
    })
    .join('\n');
}

/** That of the templates. */
function usualDockerfile(name: string): string {
  const values = { project: name, model: name, models: name };
  return templateContents('tabular', values).get('Dockerfile')?.toString('utf8') ?? '';
}

function md5Of(file: string): string {
  return createHash('md5').update(fs.readFileSync(file)).digest('hex');
}

function writeJson(file: string, value: unknown): void {
  fs.writeFileSync(file, `${JSON.stringify(value, undefined, 2)}\n`);
}
