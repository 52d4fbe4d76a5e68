import { MlopsError, PyDate, type PyMap, type PyValue } from '../../base/index.ts';

/** Where a value of the context came from: `params.yaml` or `vars[0]`, and the dotted path inside. */
export interface NodeOrigin {
  readonly source: string | undefined;
  readonly path: string;
  /** True for values of a file; those are what `params diff` shows as used by templating. */
  readonly fromFile: boolean;
}

export type NodeContent = Exclude<PyValue, PyValue[] | PyMap> | ContextNode[] | Map<string, ContextNode>;

/** A value of the context together with its origin. Containers hold nodes, everything else is the value. */
export interface ContextNode {
  readonly origin: NodeOrigin;
  readonly content: NodeContent;
  /** The plain value, made once on demand: foreach over a large list asks for it again and again. */
  plain?: PyValue;
}

/** Why an interpolation failed, before it is known which file and key it stands in. */
export class ContextError extends Error {
  readonly kind: 'missing' | 'merge' | 'loaded' | 'other';
  /** The key that could not be found, for a hint with the nearest name. */
  readonly key: string | undefined;

  constructor(kind: ContextError['kind'], message: string, key?: string) {
    super(message);
    this.name = 'ContextError';
    this.kind = kind;
    this.key = key;
  }
}

/** Makes nodes of a value; keys that are not strings are invisible to templating, as in DVC. */
export function toNode(value: PyValue, origin: NodeOrigin): ContextNode {
  if (value instanceof PyDate) {
    const where = `${origin.source ?? '<local>'}:${origin.path}`;
    throw new MlopsError('bad_template', `unexpected error - Unsupported value of type 'date' in '${where}'`, {
      hint: 'put the date in quotes, so that it is a string',
      data: { fatal: true },
    });
  }
  if (Array.isArray(value)) {
    return { origin, content: value.map((item, index) => toNode(item, childOrigin(origin, String(index)))) };
  }
  if (value instanceof Map) return { origin, content: nodesOf(value, origin) };
  return { origin, content: value };
}

/** The nodes of a mapping's string keys. */
export function nodesOf(map: PyMap, origin: NodeOrigin): Map<string, ContextNode> {
  const nodes = new Map<string, ContextNode>();
  for (const [key, item] of map) {
    if (typeof key === 'string') nodes.set(key, toNode(item, childOrigin(origin, key)));
  }
  return nodes;
}

/** The plain value of a node. */
export function plainValue(node: ContextNode): PyValue {
  if (node.plain !== undefined) return node.plain;
  const { content } = node;
  if (isNodeList(content)) node.plain = content.map(plainValue);
  else if (isNodeMap(content)) node.plain = new Map([...content].map(([key, item]) => [key, plainValue(item)]));
  else node.plain = content;
  return node.plain;
}

export function isNodeList(content: NodeContent): content is ContextNode[] {
  return Array.isArray(content);
}

export function isNodeMap(content: NodeContent): content is Map<string, ContextNode> {
  return content instanceof Map;
}

/**
 * What `${...}` can name. Mappings merge, leaves may not be redefined; `item` and `key` of a foreach are
 * laid over for the time of one stage.
 */
export class TemplateContext {
  readonly #nodes: Map<string, ContextNode>;
  /** Files loaded into it, with the keys chosen, or undefined for the whole file. */
  readonly loaded: Map<string, readonly string[] | undefined>;
  #overlay: ReadonlyMap<string, ContextNode> = new Map();

  constructor(
    nodes: Map<string, ContextNode> = new Map(),
    loaded: Map<string, readonly string[] | undefined> = new Map(),
  ) {
    this.#nodes = nodes;
    this.loaded = loaded;
  }

  /** Throws `ContextError` of kind `merge` where a leaf would be redefined, `other` for reserved names. */
  merge(update: Map<string, ContextNode>, item?: string): void {
    const reserved = [...this.#overlay.keys()].filter((key) => update.has(key));
    if (reserved.length > 0) {
      const names = reserved.join(' and ');
      const place = item === undefined ? '' : ` in '${item}'`;
      throw new ContextError(
        'other',
        `attempted to modify reserved key${reserved.length > 1 ? 's' : ''} ${names}${place}`,
      );
    }
    mergeNodes(this.#nodes, update);
  }

  /** Runs `work` with some names added in front of everything else. */
  with<Result>(overlay: ReadonlyMap<string, ContextNode>, work: () => Result): Result {
    const before = this.#overlay;
    this.#overlay = overlay;
    try {
      return work();
    } finally {
      this.#overlay = before;
    }
  }

  has(key: string): boolean {
    return this.#nodes.has(key);
  }

  /** The node under `a.b.0`; throws `ContextError` of kind `missing`, in DVC's words. */
  select(expression: string): ContextNode {
    const steps = expression.replaceAll('[', '.').replaceAll(']', '').split('.');
    let node: ContextNode | undefined;
    for (const [index, step] of steps.entries()) {
      const key = step.trim();
      if (index === 0) node = this.#overlay.get(key) ?? this.#nodes.get(key);
      else node = node === undefined ? undefined : child(node, key);
      if (node === undefined) throw new ContextError('missing', `Could not find '${expression}'`, expression);
    }
    if (node === undefined) throw new ContextError('missing', `Could not find '${expression}'`, expression);
    return node;
  }

  /** A copy that can be merged into without changing this one. */
  clone(): TemplateContext {
    const copy = new TemplateContext(cloneMap(this.#nodes), new Map(this.loaded));
    copy.#overlay = this.#overlay;
    return copy;
  }

  /** Every name that can be selected, dotted, for hints; at most `limit`. */
  names(limit = 2000): string[] {
    const names: string[] = [];
    const walk = (nodes: ReadonlyMap<string, ContextNode>, prefix: string): void => {
      for (const [key, node] of nodes) {
        if (names.length >= limit) return;
        names.push(prefix + key);
        if (isNodeMap(node.content)) walk(node.content, `${prefix}${key}.`);
      }
    };
    walk(this.#overlay, '');
    walk(this.#nodes, '');
    return names;
  }
}

function child(node: ContextNode, key: string): ContextNode | undefined {
  const { content } = node;
  if (isNodeMap(content)) return content.get(key);
  if (isNodeList(content) && /^[+-]?\d+$/.test(key)) return content.at(Number(key));
  return undefined;
}

function childOrigin(origin: NodeOrigin, key: string): NodeOrigin {
  return { ...origin, path: origin.path === '' ? key : `${origin.path}.${key}` };
}

function mergeNodes(into: Map<string, ContextNode>, update: ReadonlyMap<string, ContextNode>): void {
  for (const [key, node] of update) {
    const present = into.get(key);
    if (present !== undefined && isNodeMap(present.content) && isNodeMap(node.content)) {
      mergeNodes(present.content, node.content);
      delete present.plain;
    } else if (present !== undefined) {
      throw new ContextError(
        'merge',
        `cannot redefine '${node.origin.path}' from '${node.origin.source ?? 'None'}'` +
          ` as it already exists in '${present.origin.source ?? 'None'}'`,
      );
    } else {
      into.set(key, node);
    }
  }
}

function cloneMap(nodes: ReadonlyMap<string, ContextNode>): Map<string, ContextNode> {
  return new Map(
    [...nodes].map(([key, node]) => [
      key,
      isNodeMap(node.content) ? { origin: node.origin, content: cloneMap(node.content) } : node,
    ]),
  );
}
