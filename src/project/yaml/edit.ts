import { isMlopsError, keepingLineEnds, type PyValue } from '../../base/index.ts';
import { applyEdit, diffYaml, type YamlEdit, type YamlPath } from './diff.ts';
import { parseYaml } from './read.ts';
import { spliceYaml } from './splice.ts';
import { dumpYaml } from './write.ts';

/**
 * Applies edits to a YAML text. A text that ruamel.yaml would write just so (every file DVC or we wrote)
 * stays of that form. In any other text only the edited parts change: comments, quotes, order and layout
 * of the rest are the user's, and so are the line ends. `set` makes missing keys, but not missing parents.
 *
 * @throws MlopsError `bad_yaml`.
 */
export function editYaml(text: string, file: string, edits: readonly YamlEdit[]): string {
  return keepingLineEnds(text, (plain) => editPlain(plain, file, edits));
}

function editPlain(text: string, file: string, edits: readonly YamlEdit[]): string {
  const value = parseYaml(text, file);
  if (text === '' || dumpYaml(value) === text) {
    return dumpYaml(edits.reduce<PyValue>((state, edit) => applyEdit(state, edit, 0), value ?? new Map()));
  }
  return edits.reduce((state, edit) => spliceChecked(state, file, edit), text);
}

/** Exotic layouts (keys after `?`, shared anchors) can defeat a splice: then all is written anew. */
function spliceChecked(text: string, file: string, edit: YamlEdit): string {
  const wanted = dumpYaml(applyEdit(parseYaml(text, file), edit, 0));
  try {
    const spliced = spliceYaml(text, file, edit);
    if (dumpYaml(parseYaml(spliced, file)) === wanted) return spliced;
  } catch (error) {
    if (!isMlopsError(error, 'bad_yaml')) throw error;
  }
  return wanted;
}

/**
 * Makes a text say another value, by the fewest edits: keys keep their places, new ones come last. This is
 * how DVC updates a `.dvc` file and a stage of dvc.yaml.
 *
 * @param at where `value` belongs; the top by default.
 */
export function updateYaml(text: string, file: string, value: PyValue, at: YamlPath = []): string {
  const old = at.reduce<PyValue>((node, step) => child(node, step) ?? null, parseYaml(text, file));
  return editYaml(text, file, diffYaml(old, value, at));
}

function child(node: PyValue, step: string | number): PyValue | undefined {
  if (Array.isArray(node)) return node[Number(step)];
  return node instanceof Map ? node.get(step) : undefined;
}
