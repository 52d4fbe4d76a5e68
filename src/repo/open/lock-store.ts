import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError, pythonEquals, writeFileAtomic } from '../../base/index.ts';
import type { TreePath } from '../../git/index.ts';
import {
  lockedStageMap,
  lockFileOf,
  LockText,
  putLockedStage,
  type LockedStage,
  type Stage,
} from '../../project/index.ts';

/** What happened to a lock file, for DVC's messages. */
export interface LockWrite {
  readonly file: TreePath;
  readonly generated: boolean;
  readonly updated: boolean;
}

interface LockState {
  /** Undefined for a file in a layout of its own. */
  parts: LockText | undefined;
  /** The text of such a file. */
  text: string | undefined;
  /** Facts of the file that this is from; other processes may write it while a stage runs. */
  facts: string;
  readonly added: Added;
}

/** New stages in the order of the plan, to put one that ends early behind those before it. */
interface Added {
  readonly names: Set<string>;
  readonly inOrder: { readonly name: string; readonly rank: number }[];
}

/**
 * The dvc.lock files of a project while stages run. Each finished stage is written at once, so that DVC finds a
 * complete file whenever it looks: a stage that is new is appended by one write, any other change is a new file
 * moved into place. With several stages at a time the file is the one that running them one by one would give.
 */
export class LockStore {
  readonly #root: string;
  readonly #texts = new Map<TreePath, LockState>();

  constructor(root: string) {
    this.#root = root;
  }

  /** @param rank the place of the stage in the plan. */
  put(stage: Stage, locked: LockedStage, rank: number): LockWrite {
    const file = lockFileOf(stage.file);
    const name = stage.name ?? '';
    const state = this.#read(file);
    const generated = state.parts?.isEmpty === true;
    const before = stage.locked === undefined ? undefined : lockedStageMap(stage.locked);
    const updated = before === undefined || !pythonEquals(before, lockedStageMap(locked));
    const isNew = stage.locked === undefined && !state.added.names.has(name);
    const later = isNew ? state.added.inOrder.find((other) => other.rank > rank)?.name : undefined;
    const target = path.join(this.#root, file);
    try {
      const change = state.parts?.put(name, locked, later);
      if (change === undefined) {
        const text = putLockedStage(textOf(state), name, locked, file, later);
        writeFileAtomic(target, text);
        state.text = text;
        state.parts = LockText.parse(text);
      } else if (change.appended !== undefined) append(target, change.appended);
      else if (change.changed) writeFileAtomic(target, textOf(state) ?? '');
    } catch (error) {
      // What is in memory is not in the file.
      this.#texts.delete(file);
      throw error;
    }
    state.facts = factsOf(target);
    if (isNew) remember(state.added, name, rank);
    return { file, generated, updated };
  }

  #read(file: TreePath): LockState {
    const target = path.join(this.#root, file);
    const facts = factsOf(target);
    const known = this.#texts.get(file);
    if (known?.facts === facts) return known;
    const text = readText(target);
    const parts = LockText.parse(text);
    const added = known?.added ?? { names: new Set(), inOrder: [] };
    const state: LockState = { parts, text: parts === undefined ? text : undefined, facts, added };
    this.#texts.set(file, state);
    return state;
  }
}

/** What the file says; undefined when it says nothing. */
function textOf({ parts, text }: LockState): string | undefined {
  if (parts === undefined) return text;
  return parts.isEmpty ? undefined : parts.text;
}

function remember(added: Added, name: string, rank: number): void {
  const { names, inOrder } = added;
  names.add(name);
  const isLast = rank >= (inOrder.at(-1)?.rank ?? 0);
  inOrder.push({ name, rank });
  if (!isLast) inOrder.sort((a, b) => a.rank - b.rank);
}

/** One write: who reads meanwhile sees it whole or not at all, and what a full disk cut off is taken back. */
function append(file: string, text: string): void {
  const fd = fs.openSync(file, 'a');
  try {
    const { size } = fs.fstatSync(fd);
    const bytes = Buffer.from(text);
    try {
      if (fs.writeSync(fd, bytes) < bytes.length) fs.writeSync(fd, bytes, fs.fstatSync(fd).size - size);
    } catch (error) {
      fs.ftruncateSync(fd, size);
      throw error;
    }
  } finally {
    fs.closeSync(fd);
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
