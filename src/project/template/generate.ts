import { isNodeList, isNodeMap, plainValue, type ContextNode } from './context.ts';
import { pythonStr, toText } from './interpolate.ts';

/** One stage made by `foreach` or `matrix`: what `item` and `key` stand for in it. */
export interface GeneratedStage {
  readonly overlay: ReadonlyMap<string, ContextNode>;
}

const local = { source: undefined, path: '', fromFile: false };

/**
 * More stages than a group may stand for, times its axes. A matrix of few lines can stand for more than fits into
 * memory.
 */
export const maxGenerated = 200_000;

/** How many stages a group stands for, and how much work it is to make them. */
export function sizeOfGroup(node: ContextNode, keyword: 'foreach' | 'matrix'): { stages: number; work: number } {
  const { content } = node;
  if (keyword === 'foreach') {
    const stages = isNodeMap(content) ? content.size : isNodeList(content) ? content.length : 0;
    return { stages, work: stages * 10 };
  }
  if (!isNodeMap(content)) return { stages: 0, work: 0 };
  const stages = [...content.values()].reduce((product, axis) => product * axisValues(axis).length, 1);
  return { stages, work: Math.max(stages * Math.max(10, content.size), content.size ** 2) };
}

/** The stages of a group, by the part of their name after `@`, in order. */
export const generateStages = { foreach, matrix };

/** A list gives `item`, named by value (by index once any value is composite); a mapping gives `key` too. */
function foreach(iterable: ContextNode): ReadonlyMap<string, GeneratedStage> {
  const { content } = iterable;
  const stages = new Map<string, GeneratedStage>();
  if (isNodeMap(content)) {
    for (const [key, item] of content) {
      stages.set(key, {
        overlay: new Map([
          ['item', item],
          ['key', textNode(key)],
        ]),
      });
    }
  } else if (isNodeList(content)) {
    const byIndex = content.some(isComposite);
    for (const [index, item] of content.entries()) {
      stages.set(byIndex ? String(index) : nameOf(item), { overlay: new Map([['item', item]]) });
    }
  }
  return stages;
}

/** The product of all axes in key order; `item` holds one value per axis, `key` the name's fragment. */
function matrix(axes: ContextNode): ReadonlyMap<string, GeneratedStage> {
  const stages = new Map<string, GeneratedStage>();
  if (!isNodeMap(axes.content)) return stages;
  let combinations: { fragments: string[]; item: Map<string, ContextNode> }[] = [{ fragments: [], item: new Map() }];
  for (const [name, axis] of axes.content) {
    const values = axisValues(axis).map((node, index) => ({
      node,
      fragment: isComposite(node) ? `${name}${index}` : nameOf(node),
    }));
    combinations = combinations.flatMap(({ fragments, item }) =>
      values.map(({ node, fragment }) => ({
        fragments: [...fragments, fragment],
        item: new Map([...item, [name, node]]),
      })),
    );
  }
  for (const { fragments, item } of combinations) {
    const key = fragments.join('-');
    stages.set(key, {
      overlay: new Map([
        ['key', textNode(key)],
        ['item', { origin: local, content: item }],
      ]),
    });
  }
  return stages;
}

/** A text that stands in dvc.yaml itself, which Python iterates over letter by letter. */
export function isWrittenText(axis: ContextNode): axis is ContextNode & { readonly content: string } {
  return typeof axis.content === 'string' && axis.origin.source === undefined;
}

/** A mapping as an axis is iterated over its keys, as Python does. */
function axisValues(axis: ContextNode): readonly ContextNode[] {
  if (isNodeList(axis.content)) return axis.content;
  if (isNodeMap(axis.content)) return [...axis.content.keys()].map(textNode);
  return isWrittenText(axis) ? Array.from(axis.content, textNode) : [];
}

/** A flag that stands in dvc.yaml itself is `true` in a name; one that a template brings is Python's `True` there. */
function nameOf(node: ContextNode): string {
  return node.origin.source === undefined ? toText(plainValue(node)) : pythonStr(plainValue(node));
}

function textNode(text: string): ContextNode {
  return { origin: local, content: text };
}

function isComposite(node: ContextNode): boolean {
  return isNodeList(node.content) || isNodeMap(node.content);
}
