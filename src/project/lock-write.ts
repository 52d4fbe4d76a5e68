import type { PyValue } from '../base/index.ts';
import { lockedStageMap, parseLockFile } from './lock-file.ts';
import type { LockedStage } from './stage.ts';
import { editYaml } from './yaml-edit.ts';
import { parseYaml } from './yaml-read.ts';
import { dumpYaml } from './yaml-write.ts';

/**
 * A dvc.lock text in which one stage is replaced, or added at the end of the stages. Only that stage's lines
 * change where the file has the layout that DVC writes; any other file is read and written anew.
 *
 * @param text undefined or empty makes a new file.
 * @param before the stage that a new one is put in front of, instead of at the end.
 */
export function putLockedStage(
  text: string | undefined,
  name: string,
  stage: LockedStage,
  shown: string,
  before?: string,
): string {
  const block = dumpYaml(new Map([['stages', new Map([[name, lockedStageMap(stage)]])]]));
  const lines = block.slice(block.indexOf('\n') + 1);
  if (text === undefined || text.trim() === '') return `schema: '2.0'\nstages:\n${lines}`;
  const key = lines.slice(0, lines.indexOf('\n') + 1);
  return (
    splice(text, key, lines, before === undefined ? undefined : keyLine(before)) ?? rewrite(text, name, stage, shown)
  );
}

/** Undefined when the text is not laid out as DVC does. */
function splice(text: string, key: string, lines: string, before: string | undefined): string | undefined {
  if (!key.startsWith('  ') || key.startsWith('  ?') || !key.endsWith(':\n')) return undefined;
  if (!text.endsWith('\n') || text.includes('\r') || /^(?:---|%)|[:-] [&*]\w/m.test(text)) return undefined;
  const section = text.startsWith('stages:\n') ? 0 : text.indexOf('\nstages:\n') + 1;
  if (section === 0 && !text.startsWith('stages:\n')) return undefined;
  const begin = section + 'stages:\n'.length;
  const end = endOfBlock(text, begin, /^\S/);
  // Every stage must start in the third column, or the blocks cannot be told apart.
  if (!/^ {2}\S/.test(text.slice(begin, begin + 3))) return undefined;
  const found = findLine(text, key, begin, end);
  if (found < 0) {
    const next = before === undefined ? -1 : findLine(text, before, begin, end);
    const place = next < 0 ? end : next;
    return text.slice(0, place) + lines + text.slice(place);
  }
  const next = endOfBlock(text, found + key.length, /^ {0,2}\S/);
  return text.slice(0, found) + lines + text.slice(next);
}

/** The line that starts a stage, as DVC writes its name. */
function keyLine(name: string): string {
  const [, line = ''] = dumpYaml(new Map([['stages', new Map([[name, new Map([['cmd', '']])]])]])).split('\n');
  return `${line}\n`;
}

function findLine(text: string, line: string, from: number, to: number): number {
  for (let at = text.indexOf(line, from); at >= 0 && at < to; at = text.indexOf(line, at + 1)) {
    if (text[at - 1] === '\n') return at;
  }
  return -1;
}

/** Where the first line begins that the pattern matches; the text's length when there is none. */
function endOfBlock(text: string, from: number, starts: RegExp): number {
  let at = from;
  while (at < text.length) {
    if (starts.test(text.slice(at, at + 3))) return at;
    const next = text.indexOf('\n', at);
    if (next < 0) break;
    at = next + 1;
  }
  return text.length;
}

/** For files that people or other tools have laid out: comments stay where they can. */
function rewrite(text: string, name: string, stage: LockedStage, shown: string): string {
  parseLockFile(text, shown);
  const value = lockedStageMap(stage);
  if (parseYaml(text, shown) !== null) return editYaml(text, shown, [{ op: 'set', path: ['stages', name], value }]);
  return dumpYaml(
    new Map<PyValue, PyValue>([
      ['schema', '2.0'],
      ['stages', new Map([[name, value]])],
    ]),
  );
}
