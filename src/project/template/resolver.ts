import * as path from 'node:path';

import { didYouMean, MlopsError, type PyMap, type PyValue } from '../../base/index.ts';
import type { TreePath } from '../../git/index.ts';
import { ContextError, isNodeList, isNodeMap, plainValue, TemplateContext, type ContextNode } from './context.ts';
import {
  checkTemplates,
  hasTemplates,
  interpolateDeep,
  interpolateNode,
  isFalsy,
  pythonStr,
  TemplateSyntaxError,
  typeName,
  type ParsingOptions,
  type ResolveOptions,
} from './interpolate.ts';
import { generateStages, isWrittenText, maxGenerated, sizeOfGroup, type GeneratedStage } from './generate.ts';
import { loadVars, type VarsSource } from './vars.ts';

export interface ResolverOptions {
  readonly parsing?: ParsingOptions;
  readonly onWarning?: (message: string) => void;
  /** The line of a part of the file, for errors. */
  readonly lineOf?: (path: readonly string[]) => number | undefined;
}

/** A stage definition with every interpolation replaced. */
export interface ResolvedDefinition {
  readonly definition: PyMap;
  /** Tree path of the directory that paths of the stage are relative to. */
  readonly wdir: TreePath;
  /** Values of params files that the templates used: file as shown, dotted key, value. */
  readonly used: ReadonlyMap<string, ReadonlyMap<string, PyValue>>;
  /** True when the resolved definition differs from the one written: such stages cannot be rewritten. */
  readonly templated: boolean;
}

/**
 * The templates of one dvc.yaml. `vars` are loaded at once, stages are resolved one by one when asked
 * for, top-level lists when asked for. Every failure is an `MlopsError` `bad_template` in DVC's words.
 */
export class TemplateResolver {
  readonly #dir: TreePath;
  readonly #shown: string;
  readonly #source: VarsSource;
  readonly #options: ResolverOptions;
  readonly #context = new TemplateContext();
  readonly #stages: ReadonlyMap<string, PyMap>;
  readonly #generated = new Map<string, ReadonlyMap<string, GeneratedStage>>();
  readonly #checked = new Set<string>();
  /** Spent on the stages of foreach and matrix. */
  #work = 0;

  /** `data` is a dvc.yaml that passed the schema. */
  constructor(file: TreePath, data: PyMap, source: VarsSource, options: ResolverOptions = {}) {
    const dir = path.posix.dirname(file);
    this.#dir = dir === '.' ? '' : dir;
    this.#shown = source.display(file);
    this.#source = source;
    this.#options = options;
    this.#stages = stagesOf(data);
    const vars = listOf(data.get('vars'));
    this.#refuseTemplates(vars, 'vars');
    this.#explained("'vars'", () => loadVars(this.#context, vars, source, { dir: this.#dir, withDefault: true }));
  }

  /** Names of all stages in file order, generated ones in order of their values. */
  names(): string[] {
    return [...this.#stages].flatMap(([name, definition]) =>
      isGroup(definition) ? [...this.#members(name, definition).keys()].map((key) => `${name}@${key}`) : [name],
    );
  }

  /** True for the name of a foreach or matrix, which stands for all stages made from it. */
  isGroup(name: string): boolean {
    const definition = this.#stages.get(name);
    return definition !== undefined && isGroup(definition);
  }

  /** The group that a generated stage comes from. */
  groupOf(name: string): string | undefined {
    if (this.#stages.has(name)) return undefined;
    return name.slice(0, Math.max(0, name.lastIndexOf('@')));
  }

  has(name: string): boolean {
    const plain = this.#stages.get(name);
    if (plain !== undefined) return !isGroup(plain);
    const at = name.lastIndexOf('@');
    const group = at < 0 ? undefined : this.#stages.get(name.slice(0, at));
    return group !== undefined && isGroup(group) && this.#members(name.slice(0, at), group).has(name.slice(at + 1));
  }

  /** Undefined when there is no such stage. */
  stage(name: string): ResolvedDefinition | undefined {
    if (!this.has(name)) return undefined;
    const plain = this.#stages.get(name);
    if (plain !== undefined) return this.#resolveStage(name, plain, this.#context, false);
    const at = name.lastIndexOf('@');
    const group = name.slice(0, at);
    const definition = this.#stages.get(group) ?? new Map();
    const member = this.#members(group, definition).get(name.slice(at + 1));
    if (member === undefined) return undefined;
    const template = templateOf(definition);
    if (!this.#checked.has(group)) this.#checkStage(group, template);
    this.#checked.add(group);
    return this.#context.with(member.overlay, () => this.#resolveStage(name, template, this.#context, true));
  }

  /** A top-level list (`metrics`, `params`, `plots`), each item resolved. */
  topLevel(section: string, items: readonly PyValue[]): PyValue[] {
    return items.map((item, index) =>
      this.#explained(`'${section}.${index}'`, () => {
        checkTemplates(item);
        return interpolateDeep(item, this.#context, {});
      }),
    );
  }

  /** The `artifacts` section, names resolved too. */
  artifacts(section: PyMap): Map<string, PyValue> {
    const result = new Map<string, PyValue>();
    for (const [rawName, item] of section) {
      const where = `'artifacts.${pythonStr(rawName)}'`;
      const [name, value] = this.#explained(where, () => {
        checkTemplates(rawName);
        checkTemplates(item);
        return [interpolateDeep(rawName, this.#context, {}), interpolateDeep(item, this.#context, {})] as const;
      });
      if (typeof name !== 'string') {
        throw new MlopsError(
          'bad_template',
          `failed to resolve ${where} in '${this.#shown}': expected str, got ${typeName(name)}`,
        );
      }
      result.set(name, value);
    }
    return result;
  }

  #members(name: string, definition: PyMap): ReadonlyMap<string, GeneratedStage> {
    const known = this.#generated.get(name);
    if (known !== undefined) return known;
    const matrix = definition.get('matrix');
    const members =
      matrix === undefined
        ? generateStages.foreach(this.#iterable(name, 'foreach', definition.get('foreach') ?? null))
        : generateStages.matrix(this.#iterable(name, 'matrix', matrix));
    if (members.has('')) {
      throw new MlopsError(
        'bad_template',
        `failed to resolve 'stages.${name}.${matrix === undefined ? 'foreach' : 'matrix'}' in '${this.#shown}': ` +
          'an empty value gives a stage no name',
        { data: { fatal: true } },
      );
    }
    this.#warnOverwritten(name, members);
    this.#generated.set(name, members);
    return members;
  }

  #iterable(name: string, keyword: 'foreach' | 'matrix', raw: PyValue): ContextNode {
    const where = `stages.${name}.${keyword}`;
    const node = this.#explained(`'${where}'`, () => interpolateNode(raw, this.#context));
    const wanted = isNodeMap(node.content) || (keyword === 'foreach' && isNodeList(node.content));
    if (!wanted) {
      const expected = keyword === 'foreach' ? 'list/dictionary' : 'dictionary';
      throw new MlopsError(
        'bad_template',
        `failed to resolve '${where}' in '${this.#shown}': expected ${expected}, got ${typeName(plainValue(node))}`,
      );
    }
    if (keyword === 'matrix') this.#checkMatrix(where, node);
    this.#refuseTooMany(name, keyword, node);
    return node;
  }

  #refuseTooMany(name: string, keyword: 'foreach' | 'matrix', node: ContextNode): void {
    const { stages, work } = sizeOfGroup(node, keyword);
    this.#work += work;
    if (this.#work <= maxGenerated) return;
    const line = this.#options.lineOf?.(['stages', name, keyword]);
    const place = line === undefined ? '' : `, line ${line}`;
    throw new MlopsError(
      'bad_template',
      `failed to resolve 'stages.${name}.${keyword}' in '${this.#shown}'${place}: it stands for ${stages} stages`,
      { hint: `a file may stand for ${maxGenerated / 10} stages made by foreach and matrix`, data: { fatal: true } },
    );
  }

  #checkMatrix(where: string, node: ContextNode): void {
    if (!isNodeMap(node.content)) return;
    for (const [key, axis] of node.content) {
      if (isNodeList(axis.content) || isNodeMap(axis.content) || isWrittenText(axis)) continue;
      throw new MlopsError(
        'bad_template',
        `failed to resolve '${where}.${key}' in '${this.#shown}': expected list, got ${typeName(plainValue(axis))}`,
        { hint: `write \`${key}: [...]\`, or let \${...} name a list`, data: { fatal: true } },
      );
    }
  }

  #warnOverwritten(name: string, members: ReadonlyMap<string, GeneratedStage>): void {
    const [first] = members.values();
    const names = [...(first?.overlay.keys() ?? [])].filter((key) => this.#context.has(key));
    if (names.length === 0) return;
    const verb = names.length === 1 ? 'is' : 'are';
    this.#options.onWarning?.(
      `${names.join(' and ')} ${verb} already specified, will be overwritten for stages generated from '${name}'`,
    );
  }

  #resolveStage(name: string, written: PyMap, base: TemplateContext, checked: boolean): ResolvedDefinition {
    if (!checked) this.#checkStage(name, written);
    const wdir = this.#wdir(name, written.get('wdir'), base);
    const vars = listOf(written.get('vars'));
    this.#refuseTemplates(vars, `stages.${name}.vars`);
    const context = vars.length === 0 ? base : base.clone();
    this.#loadStageVars(name, vars, context, wdir);
    const used = new Map<string, Map<string, PyValue>>();
    const definition: PyMap = new Map();
    for (const [key, value] of written) {
      if (key === 'vars') continue;
      definition.set(key, this.#value(name, pythonStr(key), value, context, checked, used));
    }
    return { definition, wdir, used, templated: vars.length > 0 || hasTemplates(written) || checked };
  }

  #value(
    name: string,
    key: string,
    value: PyValue,
    context: TemplateContext,
    checked: boolean,
    used: Map<string, Map<string, PyValue>>,
  ): PyValue {
    const options: ResolveOptions = {
      key,
      checked,
      onUse: (node) => noteUse(node, used),
      ...(this.#options.parsing === undefined ? {} : { parsing: this.#options.parsing }),
    };
    return this.#explained(`'stages.${name}.${key}'`, () => interpolateDeep(value, context, options), context);
  }

  #wdir(name: string, wdir: PyValue | undefined, context: TemplateContext): TreePath {
    if (typeof wdir !== 'string' || wdir === '') return this.#dir;
    const where = `stages.${name}.wdir`;
    const resolved = this.#explained(`'${where}'`, () => interpolateDeep(wdir, context, { key: 'wdir' }), context);
    if (isFalsy(resolved)) return this.#dir;
    if (typeof resolved !== 'string') {
      throw new MlopsError(
        'bad_template',
        `failed to resolve '${where}' in '${this.#shown}': expected str, got ${typeName(resolved)}`,
        { data: { fatal: true } },
      );
    }
    const joined = path.posix.join(this.#dir, resolved).replace(/\/$/, '');
    return joined === '.' ? '' : joined;
  }

  #loadStageVars(name: string, vars: readonly PyValue[], context: TemplateContext, wdir: TreePath): void {
    if (vars.length === 0) return;
    try {
      loadVars(context, vars, this.#source, { dir: wdir, stage: name });
    } catch (error) {
      const twice = error instanceof ContextError && error.kind === 'loaded';
      throw this.#explain(error, twice ? `'stages.${name}.vars'` : `stage '${name}'`, context);
    }
  }

  #checkStage(name: string, definition: PyMap): void {
    for (const [key, value] of definition) {
      this.#explained(`'stages.${name}.${pythonStr(key)}'`, () => checkTemplates(value));
    }
  }

  #refuseTemplates(vars: readonly PyValue[], where: string): void {
    if (vars.some(hasTemplates)) {
      throw new MlopsError(
        'bad_template',
        `failed to parse '${where}' in '${this.#shown}': interpolating is not allowed`,
      );
    }
  }

  #explained<Result>(where: string, work: () => Result, context = this.#context): Result {
    try {
      return work();
    } catch (error) {
      throw this.#explain(error, where, context);
    }
  }

  #explain(error: unknown, where: string, context: TemplateContext): unknown {
    if (!(error instanceof ContextError) && !(error instanceof TemplateSyntaxError)) return error;
    const ownLine = error instanceof TemplateSyntaxError || error.kind === 'merge' || error.kind === 'loaded';
    const key = error instanceof ContextError ? error.key : undefined;
    return new MlopsError(
      'bad_template',
      `failed to parse ${where} in '${this.#shown}':${ownLine ? '\n' : ' '}${error.message}`,
      { hint: key === undefined ? undefined : didYouMean(key.trim(), context.names()), cause: error },
    );
  }
}

function stagesOf(data: PyMap): ReadonlyMap<string, PyMap> {
  const stages = new Map<string, PyMap>();
  const section = data.get('stages');
  if (!(section instanceof Map)) return stages;
  for (const [name, definition] of section) {
    if (definition instanceof Map) stages.set(pythonStr(name), definition);
  }
  return stages;
}

function isGroup(definition: PyMap): boolean {
  return definition.has('foreach') || definition.has('matrix');
}

function templateOf(definition: PyMap): PyMap {
  const body = definition.get('do');
  if (body instanceof Map) return body;
  return new Map([...definition].filter(([key]) => key !== 'matrix'));
}

function listOf(value: PyValue | undefined): readonly PyValue[] {
  return Array.isArray(value) ? value : [];
}

function noteUse(node: ContextNode, used: Map<string, Map<string, PyValue>>): void {
  if (!node.origin.fromFile || node.origin.source === undefined || isNodeMap(node.content)) return;
  const file = used.get(node.origin.source) ?? new Map<string, PyValue>();
  file.set(node.origin.path, plainValue(node));
  used.set(node.origin.source, file);
}
