import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';

import { isSystemError, lockFile, messageOf, MlopsError, packageFolder, type Logger } from '../../base/index.ts';
import type { MlModel } from '../../model/index.ts';

export interface PythonEnvironmentOptions {
  /** The interpreter. Default: python3 of the PATH. */
  readonly python?: string | undefined;
  /** `local` installs nothing; `uv` makes an environment of what a model's requirements.txt says. Default: local. */
  readonly manager?: 'local' | 'uv' | undefined;
  /** Where environments are kept. Default: mlops/python-envs in the user's cache folder. */
  readonly folder?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly log: Logger;
}

/** Finds or makes the Python in which a model runs. */
export class PythonEnvironment {
  readonly #options: PythonEnvironmentOptions;

  constructor(options: PythonEnvironmentOptions) {
    this.#options = options;
  }

  /** @throws MlopsError `program_missing` without uv, `model_broken` when its packages cannot be installed. */
  async prepare(folder: string, mlModel: MlModel): Promise<{ python: string; host: string; env: NodeJS.ProcessEnv }> {
    const { python = 'python3', manager, env = process.env } = this.#options;
    const chosen = manager === 'uv' ? await this.#made(folder, mlModel) : python;
    return { python: chosen, host: hostFile(), env };
  }

  async #made(folder: string, mlModel: MlModel): Promise<string> {
    const { env = process.env, log } = this.#options;
    const requirements = requirementsOf(folder, mlModel);
    const version = pythonOf(mlModel);
    const key = createHash('sha256').update(`${version}\n${requirements}`).digest('hex').slice(0, 16);
    const home = this.#options.folder ?? path.join(cacheFolder(env), 'mlops', 'python-envs');
    const made = path.join(home, key);
    const python = path.join(made, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
    const complete = path.join(made, 'complete');
    if (fs.existsSync(complete)) return python;
    fs.mkdirSync(home, { recursive: true });
    const lock = await lockFile(`${made}.lock`, { timeout: Infinity });
    try {
      if (fs.existsSync(complete)) return python;
      log.info(`making a Python ${version} with the packages of ${folder}`);
      fs.rmSync(made, { recursive: true, force: true });
      await uv(['venv', '--python', version, made], env);
      const file = path.join(home, `${key}.txt`);
      fs.writeFileSync(file, requirements);
      await uv(['pip', 'install', '--python', python, '-r', file], env);
      fs.writeFileSync(complete, '');
      return python;
    } finally {
      lock.release();
    }
  }
}

/** What the model needs, and MLflow itself, which loads it. */
function requirementsOf(folder: string, { mlflowVersion }: MlModel): string {
  const file = path.join(folder, 'requirements.txt');
  const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
  if (/^mlflow(-skinny)?\b/m.test(text)) return text;
  return `${text}\nmlflow${mlflowVersion === undefined ? '' : `==${mlflowVersion}`}\n`;
}

function pythonOf({ flavors }: MlModel): string {
  const said = flavors.get('python_function')?.['python_version'];
  return /^\d+\.\d+/.exec(typeof said === 'string' ? said : '')?.[0] ?? '3';
}

function cacheFolder(env: Readonly<Record<string, string | undefined>>): string {
  return env['XDG_CACHE_HOME'] ?? path.join(env['HOME'] ?? os.homedir(), '.cache');
}

function uv(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('uv', args, { env, maxBuffer: 1 << 26 }, (error, _stdout, stderr) => {
      if (error === null) return resolve();
      if (isSystemError(error, 'ENOENT')) {
        return reject(
          new MlopsError('program_missing', 'uv is not on the PATH', {
            hint: 'install it (https://docs.astral.sh/uv), or leave --env-manager uv out',
          }),
        );
      }
      const why = stderr.trim().split('\n').slice(-3).join(' ') || messageOf(error);
      reject(new MlopsError('model_broken', `uv cannot install what the model needs: ${why}`));
    });
  });
}

/** The program that a process runs: beside this file, or in `dist/python` of the package. */
function hostFile(): string {
  const here = fileURLToPath(import.meta.url);
  const beside = path.join(path.dirname(here), 'model_host.py');
  return fs.existsSync(beside) ? beside : path.join(packageFolder('dist', here), 'dist/python/model_host.py');
}
