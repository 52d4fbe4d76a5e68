import type { Out, Stage } from '../../project/index.ts';

/** An output together with the stage that makes it. */
export interface OwnedOut {
  readonly out: Out;
  readonly stage: Stage;
  /** Path inside the project, or as written for what lies outside. */
  readonly path: string;
}

interface TrieNode {
  readonly children: Map<string, TrieNode>;
  owned?: OwnedOut;
}

/** Outputs by path, to find what is at, above and below a path in time that depends on its depth only. */
export class OutTrie {
  readonly #root: TrieNode = { children: new Map() };
  #size = 0;

  get size(): number {
    return this.#size;
  }

  set(path: string, owned: OwnedOut): void {
    let node = this.#root;
    for (const part of partsOf(path)) {
      let next = node.children.get(part);
      if (next === undefined) node.children.set(part, (next = { children: new Map() }));
      node = next;
    }
    if (node.owned === undefined) this.#size++;
    node.owned = owned;
  }

  get(path: string): OwnedOut | undefined {
    return this.#node(path)?.owned;
  }

  /** Outputs that are the path or contain it, outermost first. */
  above(path: string): OwnedOut[] {
    const found: OwnedOut[] = [];
    let node: TrieNode | undefined = this.#root;
    if (node.owned !== undefined) found.push(node.owned);
    for (const part of partsOf(path)) {
      node = node.children.get(part);
      if (node === undefined) break;
      if (node.owned !== undefined) found.push(node.owned);
    }
    return found;
  }

  /** Outputs strictly inside the path, in the order they were added at each level. */
  below(path: string): OwnedOut[] {
    const found: OwnedOut[] = [];
    const start = this.#node(path);
    if (start === undefined) return found;
    const walk = (node: TrieNode): void => {
      for (const child of node.children.values()) {
        if (child.owned !== undefined) found.push(child.owned);
        walk(child);
      }
    };
    walk(start);
    return found;
  }

  firstBelow(path: string): OwnedOut | undefined {
    let node = this.#node(path);
    for (;;) {
      const [next] = node?.children.values() ?? [];
      if (next === undefined) return undefined;
      if (next.owned !== undefined) return next.owned;
      node = next;
    }
  }

  #node(path: string): TrieNode | undefined {
    let node: TrieNode | undefined = this.#root;
    for (const part of partsOf(path)) node = node?.children.get(part);
    return node;
  }
}

function partsOf(path: string): string[] {
  return path === '' ? [] : path.split('/');
}
