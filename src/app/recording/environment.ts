import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

type Env = Readonly<Record<string, string | undefined>>;

/** On what a run was made; the keys are those of `environment` in `provenance.json`. */
export interface Environment {
  readonly node: string;
  /** `linux-x64`, with the kernel's release. */
  readonly platform: string;
  readonly os: string;
  readonly cpu: { readonly model: string; readonly count: number; readonly flags: readonly string[] };
  /** The Python that a command `python3` or `python` would start. */
  readonly python?: PythonFacts;
  /** Variables that decide over chance and threads, where they are set. */
  readonly variables: Readonly<Record<string, string>>;
}

export interface PythonFacts {
  readonly executable: string;
  readonly version: string | undefined;
  /** Installed distributions, as `pip freeze` names them, to their versions. */
  readonly packages: Readonly<Record<string, string>>;
}

const telling = [
  'PYTHONHASHSEED',
  'OMP_NUM_THREADS',
  'MKL_NUM_THREADS',
  'OPENBLAS_NUM_THREADS',
  'CUDA_VISIBLE_DEVICES',
];

/** Describes this machine, by its files alone: no Python is started for it. */
export function describeEnvironment(env: Env): Environment {
  const python = pythonOf(env);
  const cpus = os.cpus();
  return {
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    os: `${os.type()} ${os.release()}`,
    cpu: { model: cpus[0]?.model ?? 'unknown', count: cpus.length, flags: cpuFlags() },
    ...(python === undefined ? {} : { python }),
    variables: Object.fromEntries(telling.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]))),
  };
}

/** Linux tells them; elsewhere the model has to do. */
function cpuFlags(): string[] {
  try {
    const line = /^(?:flags|Features)\s*:(.*)$/m.exec(fs.readFileSync('/proc/cpuinfo', 'utf8').slice(0, 20_000));
    return (line?.[1] ?? '')
      .trim()
      .split(' ')
      .filter((flag) => flag !== '');
  } catch {
    return [];
  }
}

function pythonOf(env: Env): PythonFacts | undefined {
  for (const folder of (env['PATH'] ?? '').split(path.delimiter)) {
    for (const name of ['python3', 'python']) {
      const executable = path.join(folder, name);
      if (folder === '' || !isProgram(executable)) continue;
      const prefix = path.dirname(folder);
      const libraries = librariesOf(prefix);
      return { executable, version: versionOf(prefix, executable), packages: packagesIn(libraries) };
    }
  }
  return undefined;
}

function isProgram(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

/** `lib/python3.N/site-packages` of a prefix, and Debian's folders beside it. */
function librariesOf(prefix: string): string[] {
  const versions = namesIn(path.join(prefix, 'lib')).filter((name) => /^python3(?:\.\d+)?$/.test(name));
  const places = versions.flatMap((name) => ['site-packages', 'dist-packages'].map((kind) => `lib/${name}/${kind}`));
  const local = prefix === '/usr' ? librariesOf('/usr/local') : [];
  return [...local, ...places.map((place) => path.join(prefix, place))];
}

function versionOf(prefix: string, executable: string): string | undefined {
  try {
    const text = fs.readFileSync(path.join(prefix, 'pyvenv.cfg'), 'utf8');
    const found = /^version(?:_info)?\s*=\s*([\d.]+)/m.exec(text)?.[1];
    if (found !== undefined) return found;
  } catch {
    // No virtual environment.
  }
  return /python(\d\.\d{1,3})$/.exec(realPath(executable))?.[1];
}

function realPath(file: string): string {
  try {
    return fs.realpathSync(file);
  } catch {
    return file;
  }
}

/** By the names of their folders `NAME-VERSION.dist-info`, which is where pip reads them too. */
function packagesIn(folders: readonly string[]): Record<string, string> {
  const found = folders.flatMap((folder) =>
    namesIn(folder).flatMap((name): [string, string][] => {
      const [, distribution, version] = /^([^-]+)-(.+)\.(?:dist|egg)-info$/.exec(name) ?? [];
      return distribution === undefined || version === undefined ? [] : [[distribution.replaceAll('_', '-'), version]];
    }),
  );
  // What stands in an earlier folder is what Python imports.
  return Object.fromEntries(found.toReversed().toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch {
    return [];
  }
}
