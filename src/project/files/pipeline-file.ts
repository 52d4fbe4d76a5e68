import * as path from 'node:path';

import { didYouMean, MlopsError, type PyMap, type PyValue } from '../../base/index.ts';
import type { Tree, TreePath } from '../../git/index.ts';
import { decodeText, readDataFile } from '../params/read.ts';
import { checkPipelineFile } from './pipeline-schema.ts';
import { stageOf } from './pipeline-stage.ts';
import type { LockedStage, Stage } from './stage.ts';
import type { ParsingOptions } from '../template/interpolate.ts';
import { isFalsy, pythonStr, typeName } from '../template/interpolate.ts';
import { TemplateResolver, type ResolvedDefinition } from '../template/resolver.ts';
import { shownPath } from '../yaml/error.ts';
import { parseYaml, parseYamlWithPositions } from '../yaml/read.ts';
import { schemaReport } from '../yaml/report.ts';

export const pipelineFileName = 'dvc.yaml';

export interface PipelineOptions {
  /** A tree path as users see it from where they stand. Default: as it is. */
  readonly display?: (file: TreePath) => string;
  readonly parsing?: ParsingOptions;
  readonly onWarning?: (message: string) => void;
  /** The rule of `.dvcignore` that a path falls under; outputs may not. Default: none. */
  readonly ignoredBy?: (at: TreePath) => string | undefined;
  /** The lock entries of that dvc.yaml. Default: none. */
  readonly lock?: (file: TreePath) => ReadonlyMap<string, LockedStage> | undefined;
  /** Columns that error reports are laid out for. Default 80. */
  readonly columns?: number;
  /** Reads a params file; give one to share parsed files between several dvc.yaml. */
  readonly readData?: (file: TreePath) => PyValue | undefined;
}

/** One dvc.yaml, its stages resolved when asked for. */
export class PipelineFile {
  readonly file: TreePath;
  /** The content as parsed, before templating. */
  readonly data: PyMap;
  readonly #tree: Tree;
  readonly #options: PipelineOptions;
  readonly #resolver: TemplateResolver;
  readonly #resolved = new Map<string, ResolvedDefinition>();
  readonly #stages = new Map<string, Stage>();
  #lock: ReadonlyMap<string, LockedStage> | undefined;

  constructor(tree: Tree, file: TreePath, data: PyMap, options: PipelineOptions) {
    this.file = file;
    this.data = data;
    this.#tree = tree;
    this.#options = options;
    const display = options.display ?? ((name) => name);
    const source = {
      kind: (name: TreePath) => kindOf(tree, name),
      readData: (name: TreePath) => options.readData?.(name) ?? readDataFile(tree, name, display(name)) ?? null,
      display,
    };
    const lineOf = (path: readonly string[]): number | undefined => {
      const text = decodeText(tree.read(file) ?? Buffer.alloc(0), display(file));
      return parseYamlWithPositions(text, display(file)).lineOf(path);
    };
    this.#resolver = new TemplateResolver(file, data, source, { ...options, lineOf });
  }

  /** Stage names in file order, generated ones included. */
  names(): string[] {
    return this.#resolver.names();
  }

  has(name: string): boolean {
    return this.#resolver.has(name);
  }

  isGroup(name: string): boolean {
    return this.#resolver.isGroup(name);
  }

  /** The foreach or matrix that a stage was made by. */
  groupOf(name: string): string | undefined {
    return this.#resolver.groupOf(name);
  }

  /** A stage with everything resolved and its lock entry; throws `unknown_stage` with the nearest name. */
  stage(name: string): Stage {
    const known = this.#stages.get(name);
    if (known !== undefined) return known;
    const shown = this.#shown();
    const resolved = this.#resolver.stage(name);
    if (resolved === undefined) {
      throw new MlopsError('unknown_stage', `Stage '${name}' not found inside '${shown}' file`, {
        hint: didYouMean(name, this.names()),
      });
    }
    this.#resolved.set(name, resolved);
    this.#lock ??= this.#options.lock?.(this.file) ?? new Map();
    const address = shown === pipelineFileName ? name : `${shown}:${name}`;
    const place = { name, file: this.file, address, root: this.#tree.root, ignoredBy: this.#options.ignoredBy };
    const stage = stageOf(place, resolved, this.#lock.get(name));
    this.#stages.set(name, stage);
    return stage;
  }

  stages(): Stage[] {
    return this.names().map((name) => this.stage(name));
  }

  /** Values of params files that templating used in a stage: file as shown, dotted key, value. */
  usedParams(name: string): ReadonlyMap<string, ReadonlyMap<string, PyValue>> {
    this.stage(name);
    return this.#resolved.get(name)?.used ?? new Map();
  }

  /** True for stages that cannot be rewritten by commands: foreach, matrix, or anything interpolated. */
  isTemplated(name: string): boolean {
    this.stage(name);
    return this.#resolved.get(name)?.templated ?? false;
  }

  /** Top-level `metrics` or `params`: tree paths of files. */
  files(section: 'metrics' | 'params'): TreePath[] {
    const dir = path.posix.dirname(this.file);
    return this.#resolver
      .topLevel(section, listOf(this.data.get(section)))
      .map((item) => path.posix.normalize(path.posix.join(dir, pythonStr(item))));
  }

  /** Top-level `plots`: id or path as written to properties. */
  plots(): Map<string, PyMap> {
    const plots = new Map<string, PyMap>();
    for (const item of this.#resolver.topLevel('plots', listOf(this.data.get('plots')))) {
      if (!(item instanceof Map)) plots.set(pythonStr(item), new Map());
      else for (const [id, props] of item) plots.set(pythonStr(id), props instanceof Map ? props : new Map());
    }
    return plots;
  }

  artifacts(): Map<string, PyValue> {
    const section = this.data.get('artifacts');
    return section instanceof Map ? this.#resolver.artifacts(section) : new Map();
  }

  #shown(): string {
    return this.#options.display?.(this.file) ?? this.file;
  }
}

/**
 * Reads a dvc.yaml: syntax, schema, `vars`. Undefined when there is no such file.
 *
 * @throws MlopsError `bad_yaml`, `bad_project_file` (both laid out as DVC does), `bad_template`.
 */
export function openPipelineFile(tree: Tree, file: TreePath, options: PipelineOptions = {}): PipelineFile | undefined {
  const bytes = tree.read(file);
  if (bytes === undefined) return undefined;
  const shown = options.display?.(file) ?? file;
  const text = decodeText(bytes, shown);
  const parsed = parseYaml(text, shown);
  const data = isFalsy(parsed) ? new Map() : parsed;
  checkSchema(data, text, shown, options.columns ?? 80);
  checkDatasets((data as PyMap).get('datasets') ?? null, shown);
  return new PipelineFile(tree, file, data as PyMap, options);
}

function checkSchema(data: PyValue, text: string, shown: string, width: number): void {
  const errors = checkPipelineFile(data);
  if (errors.length === 0) return;
  const file = shownPath(shown);
  const hint = errors.find((error) => error.hint !== undefined)?.hint;
  const details = { hint, data: { file: shown, report: true } };
  if (!(data instanceof Map)) {
    const problem = errors[0]?.message ?? 'invalid';
    throw new MlopsError('bad_project_file', `'${file}' validation failed: ${problem}.`, details);
  }
  const { locate } = parseYamlWithPositions(text, shown);
  throw new MlopsError('bad_project_file', schemaReport(file, text, errors, locate, { width }), details);
}

/** Whatever else is in the list is for commands that use it, as in DVC. */
function checkDatasets(datasets: PyValue, shown: string): void {
  if (isFalsy(datasets) || Array.isArray(datasets)) return;
  throw new MlopsError('bad_project_file', `expected a list of datasets in '${shown}', got ${typeName(datasets)}`, {
    data: { fatal: true },
  });
}

function kindOf(tree: Tree, file: TreePath): 'file' | 'dir' | undefined {
  const entry = tree.entry(file);
  if (entry === undefined) return undefined;
  if (entry.kind === 'link') return tree.read(file) === undefined ? 'dir' : 'file';
  return entry.kind === 'dir' ? 'dir' : 'file';
}

function listOf(value: PyValue | undefined): readonly PyValue[] {
  return Array.isArray(value) ? value : [];
}
