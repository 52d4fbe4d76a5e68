import { keepingLineEnds, type PyValue } from '../../base/index.ts';
import { lockedStageMap, parseLockFile } from './lock-file.ts';
import { LockText } from './lock-text.ts';
import type { LockedStage } from './stage.ts';
import { editYaml } from '../yaml/edit.ts';
import { parseYaml } from '../yaml/read.ts';
import { dumpYaml } from '../yaml/write.ts';

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
  return keepingLineEnds(text ?? '', (plain) => {
    const known = LockText.parse(plain);
    if (known?.put(name, stage, before) !== undefined) return known.text;
    return rewrite(plain, name, stage, shown);
  });
}

/** For files that people or other tools have laid out: comments stay where they can. */
function rewrite(text: string, name: string, stage: LockedStage, shown: string): string {
  const value = lockedStageMap(stage);
  if (text.trim() !== '') parseLockFile(text, shown);
  if (text.trim() !== '' && parseYaml(text, shown) !== null)
    return editYaml(text, shown, [{ op: 'set', path: ['stages', name], value }]);
  return dumpYaml(
    new Map<PyValue, PyValue>([
      ['schema', '2.0'],
      ['stages', new Map([[name, value]])],
    ]),
  );
}
