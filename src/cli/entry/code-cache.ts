import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as os from 'node:os';
import * as path from 'node:path';
import * as vm from 'node:vm';

/** A CommonJS module of the bundle, as its wrapper function is called. */
type Wrapper = (exports: object, require: Require, module: { exports: object }, file: string, folder: string) => void;
type Require = (name: string) => unknown;

/** Code that V8 compiled earlier, by the name of its chunk. */
type CompiledCode = ReadonlyMap<string, Buffer>;

/** Only such a name stands for one text: V8 itself compares no more than lengths. */
const hashedName = /-[A-Z0-9]{8}\.js$/;

/**
 * Loads the bundle at `entry` from code that V8 compiled in an earlier run of the same verb. Parsing and compiling
 * is most of what starting a command costs; Node keeps compiled code by itself since version 22, where this
 * is not used (see docs/decisions/005-start-up.md).
 *
 * The code is kept beside the bundle, else in the user's cache folder; where neither can be written, chunks are
 * compiled each time.
 */
export function requireCached(entry: string, verb: string): unknown {
  const cache = openCache(path.dirname(entry), verb);
  const loaded = new Map<string, { exports: object }>();
  const scripts = new Map<string, vm.Script>();
  let isStale = false;
  const load = (file: string): object => {
    const known = loaded.get(file);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    loaded.set(file, module);
    const name = path.basename(file);
    const cachedData = cache.code.get(name);
    const script = compile(file, cachedData);
    if (hashedName.test(name)) {
      scripts.set(name, script);
      isStale ||= cachedData === undefined || script.cachedDataRejected === true;
    }
    const folder = path.dirname(file);
    const nodeRequire = createRequire(file);
    const wrapper = script.runInThisContext() as Wrapper;
    const ownRequire = (wanted: string): unknown =>
      wanted.startsWith('./') || wanted.startsWith('../') ? load(path.join(folder, wanted)) : nodeRequire(wanted);
    wrapper(module.exports, Object.assign(ownRequire, { resolve: nodeRequire.resolve }), module, file, folder);
    return module.exports;
  };
  const exports = load(entry);
  process.on('exit', () => {
    if (isStale) cache.save(scripts);
  });
  return exports;
}

function compile(file: string, cachedData: Buffer | undefined): vm.Script {
  const source = fs.readFileSync(file, 'utf8');
  return new vm.Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename: file,
    cachedData,
  });
}

interface Cache {
  readonly code: CompiledCode;
  /** Keeps the code of these scripts, with all functions that this run compiled. */
  save(scripts: ReadonlyMap<string, vm.Script>): void;
}

function openCache(bundle: string, verb: string): Cache {
  const name = `${verb}-${process.version}-${process.arch}.bin`;
  const folders = [path.join(bundle, 'compiled'), userCacheFolder()];
  return {
    code: readFirst(folders.map((folder) => path.join(folder, name))),
    save(scripts) {
      for (const folder of folders) if (write(path.join(folder, name), scripts)) return;
    },
  };
}

function userCacheFolder(): string {
  const base = process.env['XDG_CACHE_HOME'];
  return path.join(base === undefined || base === '' ? path.join(os.homedir(), '.cache') : base, 'mlops', 'compiled');
}

/**
 * One file a verb: a line of JSON with [name, length] of each chunk, padded so that the code behind it lies on
 * eight-byte addresses, as V8 reads it without a copy.
 */
function readFirst(files: readonly string[]): CompiledCode {
  for (const file of files) {
    try {
      if (!isOwn(path.dirname(file)) || !isOwn(file)) continue;
      const bytes = fs.readFileSync(file);
      const end = bytes.indexOf(10);
      const parts = JSON.parse(bytes.toString('utf8', 0, end)) as [string, number][];
      let offset = end + 1;
      const code = new Map(parts.map(([name, length]) => [name, bytes.subarray(offset, (offset += length))]));
      if (offset === bytes.length) return code;
    } catch {
      // Absent, of another user, torn: the next place, else compile.
    }
  }
  return new Map();
}

/**
 * V8 runs this code without a look at it. So it is only taken from where nobody but this user can have put it: no link,
 * theirs, and not writable for others.
 */
function isOwn(place: string): boolean {
  const { uid, mode } = fs.lstatSync(place);
  const isPlain = (mode & fs.constants.S_IFMT) !== fs.constants.S_IFLNK;
  return isPlain && (process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0));
}

/** A folder for the compiled code that Node keeps itself, undefined where there is none of this user's own. */
export function nodeCacheFolder(): string | undefined {
  const folder = path.join(userCacheFolder(), 'node');
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    return isOwn(folder) ? folder : undefined;
  } catch {
    return undefined;
  }
}

function write(file: string, scripts: ReadonlyMap<string, vm.Script>): boolean {
  const temporary = `${file}.${process.pid}`;
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    fs.accessSync(path.dirname(file), fs.constants.W_OK);
    if (!isOwn(path.dirname(file))) return false;
    const parts = [...scripts].map(([name, script]) => [name, padded(script.createCachedData())] as const);
    const head = JSON.stringify(parts.map(([name, code]) => [name, code.length]));
    const line = `${head.padEnd(Math.ceil((head.length + 1) / 8) * 8 - 1)}\n`;
    // V8 trusts this code: it is on the disk whole before it has its name.
    fs.writeFileSync(temporary, Buffer.concat([Buffer.from(line), ...parts.map(([, code]) => code)]), { flush: true });
    fs.renameSync(temporary, file);
    return true;
  } catch {
    try {
      fs.rmSync(temporary, { force: true });
    } catch {
      // Its folder is none.
    }
    return false;
  }
}

function padded(code: Buffer): Buffer {
  return Buffer.concat([code, Buffer.alloc((8 - (code.length % 8)) % 8)]);
}
