import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError, pythonEquals, writeFileAtomic } from '../base/index.ts';
import type { TreePath } from '../git/index.ts';
import { lockedStageMap, lockFileOf, putLockedStage, type LockedStage, type Stage } from '../project/index.ts';

/** What happened to a lock file, for DVC's messages. */
export interface LockWrite {
  readonly file: TreePath;
  readonly generated: boolean;
  readonly updated: boolean;
}

interface LockText {
  text: string | undefined;
  /** Facts of the file that the text is from; other processes may write it while a stage runs. */
  facts: string;
  /** New stages in the order of the plan, to put one that ends early behind those before it. */
  readonly added: { readonly name: string; readonly rank: number }[];
}

/**
 * The dvc.lock files of a project while stages run. Each finished stage is written at once and crash-safe;
 * with several stages at a time the file is the one that running them one by one would give.
 */
export class LockStore {
  readonly #root: string;
  readonly #texts = new Map<TreePath, LockText>();

  constructor(root: string) {
    this.#root = root;
  }

  /** @param rank the place of the stage in the plan. */
  put(stage: Stage, locked: LockedStage, rank: number): LockWrite {
    const file = lockFileOf(stage.file);
    const name = stage.name ?? '';
    const state = this.#read(file);
    const generated = state.text === undefined || state.text.trim() === '';
    const before = stage.locked === undefined ? undefined : lockedStageMap(stage.locked);
    const updated = before === undefined || !pythonEquals(before, lockedStageMap(locked));
    const isNew = stage.locked === undefined && !state.added.some((other) => other.name === name);
    const later = isNew ? state.added.find((other) => other.rank > rank)?.name : undefined;
    const text = putLockedStage(state.text, name, locked, file, later);
    const target = path.join(this.#root, file);
    if (text !== state.text) writeFileAtomic(target, text);
    state.text = text;
    state.facts = factsOf(target);
    if (isNew) {
      state.added.push({ name, rank });
      state.added.sort((a, b) => a.rank - b.rank);
    }
    return { file, generated, updated };
  }

  #read(file: TreePath): LockText {
    const target = path.join(this.#root, file);
    const facts = factsOf(target);
    const known = this.#texts.get(file);
    if (known?.facts === facts) return known;
    const state: LockText = { text: readText(target), facts, added: known?.added ?? [] };
    this.#texts.set(file, state);
    return state;
  }
}

function factsOf(file: string): string {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
}

function readText(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}
