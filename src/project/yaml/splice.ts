import type { Document, Node, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';

import type { PyValue } from '../../base/index.ts';
import { applyEdit, type YamlEdit } from './diff.ts';
import { flowYaml } from './flow.ts';
import { yamlPackage } from './package.ts';
import { nodeValue, parseDocument } from './read.ts';
import { dumpYaml } from './write.ts';

/**
 * Applies one edit by changing nothing but its part of the text. Within `[...]` and `{...}` the outermost
 * such collection is written anew, still in that style.
 */
export function spliceYaml(text: string, file: string, edit: YamlEdit): string {
  const { doc } = parseDocument(text, file);
  if (doc.contents === null || edit.path.length === 0) return rewrite(text, doc, edit);
  return new Splicer(text, doc, edit).apply();
}

function rewrite(text: string, doc: Document.Parsed, edit: YamlEdit): string {
  const comments = doc.contents === null && text.trim() !== '' ? `${text.trimEnd()}\n` : '';
  return comments + dumpYaml(applyEdit(doc.contents === null ? new Map() : nodeValue(doc), edit, 0));
}

/** A value in the text: its node, if any, and the column its block collection or key stands at. */
interface Found {
  readonly node: Node | null;
  readonly pair: Pair<Node, Node | null> | undefined;
  /** The collection it is in. */
  readonly parent: YAMLMap<Node, Node | null> | YAMLSeq<Node> | undefined;
}

class Splicer {
  private readonly text: string;
  private readonly doc: Document.Parsed;
  private readonly edit: YamlEdit;
  private readonly yaml = yamlPackage();

  constructor(text: string, doc: Document.Parsed, edit: YamlEdit) {
    this.text = text;
    this.doc = doc;
    this.edit = edit;
  }

  apply(): string {
    const { path, op } = this.edit;
    let found: Found = { node: this.doc.contents, pair: undefined, parent: undefined };
    for (const [depth, step] of path.entries()) {
      const { node } = found;
      if (isFlow(node)) return this.rewriteFlow(found, depth);
      const next = this.child(node, step);
      if (next === undefined) return this.addKey(found, depth);
      found = next;
    }
    if (op === 'append') return this.append(found);
    return op === 'delete' ? this.remove(found) : this.replace(found, this.edit.value);
  }

  private child(node: Node | null, step: string | number): Found | undefined {
    const { isMap, isScalar, isSeq } = this.yaml;
    if (isSeq<Node>(node)) return { node: node.items[Number(step)] ?? null, pair: undefined, parent: node };
    if (!isMap<Node, Node | null>(node)) return undefined;
    const pair = node.items.find(({ key }) => isScalar(key) && key.value === String(step));
    return pair === undefined ? undefined : { node: pair.value, pair, parent: node };
  }

  /** Writes the flow collection anew, with the edit applied inside it. */
  private rewriteFlow(found: Found, depth: number): string {
    const { node } = found;
    const [start, end] = range(node);
    const value = applyEdit(nodeValue(this.doc, node), this.edit, depth);
    const size = (node as YAMLMap | YAMLSeq).items.length;
    // An empty collection says nothing about the style its user wants.
    if (size === 0 && found.parent !== undefined) return this.replace(found, value);
    return this.text.slice(0, start) + flowYaml(value) + this.text.slice(end);
  }

  /** Adds a key to a block mapping, or replaces a scalar by a mapping. */
  private addKey(found: Found, depth: number): string {
    const { node } = found;
    if (this.edit.op === 'delete') return this.text;
    const value = applyEdit(null, this.edit, depth);
    if (!this.yaml.isMap(node)) return this.replace(found, value);
    const column = this.columnOf(range(node)[0]);
    return this.insertAfter(node, indented(dumpYaml(value), column));
  }

  private append(found: Found): string {
    const { node } = found;
    if (this.edit.op !== 'append') return this.text;
    if (isFlow(node)) return this.rewriteFlow(found, this.edit.path.length);
    if (!this.yaml.isSeq(node)) return this.replace(found, [this.edit.value]);
    const column = this.columnOf(range(node)[0]);
    return this.insertAfter(node, indented(dumpYaml([this.edit.value]), column));
  }

  /** Puts whole lines after the last line of a block collection. */
  private insertAfter(node: Node, lines: string): string {
    const end = this.lineEnd(this.contentEnd(node));
    const before = this.text.slice(0, end);
    return (before.endsWith('\n') ? before : `${before}\n`) + lines + this.text.slice(end);
  }

  private replace(found: Found, value: PyValue): string {
    const { node, pair, parent } = found;
    const scalar = !Array.isArray(value) && !(value instanceof Map);
    const inline = scalar || (Array.isArray(value) ? value.length : value.size) === 0;
    if (pair === undefined) return this.replaceItem(node, parent, value);
    const keyColumn = this.columnOf(range(pair.key)[0]);
    const key = dumpYaml(new Map([[(pair.key as Scalar).value as string, value]]));
    const fresh = indented(key, keyColumn).slice(keyColumn);
    const colon = this.text.indexOf(':', range(pair.key)[1]);
    const written = fresh.slice(dumpYaml(new Map([[(pair.key as Scalar).value as string, null]])).length - 1);
    const end = node === null || range(node)[1] <= colon ? colon + 1 : this.contentEnd(node);
    const rest = this.text.slice(end);
    // A comment on the line of a scalar stays there; after a collection nothing is left on its last line.
    const tail = inline || !/^[ \t]+#/.test(rest) ? rest : rest.replace(/^[^\n]*/, '');
    return this.text.slice(0, colon + 1) + written.replace(/\n$/, '') + ensureBreak(tail);
  }

  private replaceItem(node: Node | null, parent: Found['parent'], value: PyValue): string {
    if (parent === undefined || node === null) return dumpYaml(value);
    const [start] = range(node);
    const column = Math.max(0, this.columnOf(start) - 2);
    const item = indented(dumpYaml([value]), column).slice(column + 2);
    return this.text.slice(0, start) + item.replace(/\n$/, '') + ensureBreak(this.text.slice(this.contentEnd(node)));
  }

  private remove(found: Found): string {
    const { node, pair, parent } = found;
    if (parent === undefined) return this.text;
    const whole = { ...this.edit, path: this.edit.path.slice(0, -1) };
    if (parent.items.length === 1) {
      const empty: PyValue = this.yaml.isMap(parent) ? new Map() : [];
      return spliceYaml(this.text, '', { op: 'set', path: whole.path, value: empty });
    }
    const start = pair === undefined ? this.text.lastIndexOf('-', range(node)[0]) : range(pair.key)[0];
    const end = node === null || range(node)[1] < start ? range(pair?.key ?? null)[1] : this.contentEnd(node);
    const lineStart = this.text.lastIndexOf('\n', start - 1) + 1;
    const lineEnd = this.lineEnd(end);
    if (this.text.slice(lineStart, start).trim() === '')
      return this.text.slice(0, lineStart) + this.text.slice(lineEnd);
    // The first key after a dash: the next key takes its place.
    const next = /^\s*/.exec(this.text.slice(lineEnd))?.[0].length ?? 0;
    return this.text.slice(0, start) + this.text.slice(lineEnd + next);
  }

  /** The offset after the last character of a node, without comments and line breaks that follow it. */
  private contentEnd(node: Node): number {
    const { isMap, isSeq } = this.yaml;
    if (!isFlow(node) && isMap<Node, Node | null>(node)) {
      const last = node.items.at(-1);
      if (last === undefined) return range(node)[1];
      const keyEnd = this.text.indexOf(':', range(last.key)[1]) + 1;
      return last.value === null ? keyEnd : Math.max(keyEnd, this.contentEnd(last.value));
    }
    if (!isFlow(node) && isSeq<Node>(node) && node.items.length > 0) {
      const last = node.items.at(-1);
      if (last !== undefined && last !== null) return this.contentEnd(last);
    }
    const [start, end] = range(node);
    return start + this.text.slice(start, end).trimEnd().length;
  }

  /** The offset after the line break that ends the line of an offset. */
  private lineEnd(offset: number): number {
    const newline = this.text.indexOf('\n', offset);
    return newline < 0 ? this.text.length : newline + 1;
  }

  private columnOf(offset: number): number {
    return offset - (this.text.lastIndexOf('\n', offset - 1) + 1);
  }
}

function range(node: Node | null): readonly [start: number, end: number] {
  return [node?.range?.[0] ?? 0, node?.range?.[1] ?? 0];
}

function isFlow(node: Node | null): boolean {
  return (node as { flow?: boolean } | null)?.flow === true;
}

function indented(text: string, column: number): string {
  const indent = ' '.repeat(column);
  return text.replace(/^(?=.)/gm, indent);
}

function ensureBreak(rest: string): string {
  return rest === '' ? '\n' : rest;
}
