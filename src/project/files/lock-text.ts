import { lockedStageMap } from './lock-file.ts';
import type { LockedStage } from './stage.ts';
import { dumpYaml } from '../yaml/write.ts';

const section = 'stages:\n';

/** What putting a stage does to a text. */
export interface LockChange {
  /** False when the stage was there just so. */
  readonly changed: boolean;
  /** What comes to the end of the text, when that is all that changes. */
  readonly appended: string | undefined;
}

/**
 * The text of a dvc.lock that has the layout DVC writes, cut into its stages, so that a stage is replaced or
 * added without reading the rest again.
 */
export class LockText {
  readonly #head: string;
  readonly #blocks: string[];
  readonly #tail: string;
  /** The first line of a stage to the place of its block. */
  readonly #places: Map<string, number>;
  #joined: string | undefined;

  /** Undefined for a text that is laid out otherwise. Empty and absent ones begin a new file. */
  static parse(text: string | undefined): LockText | undefined {
    if (text === undefined || text.trim() === '') return new LockText(`schema: '2.0'\n${section}`, [], '');
    if (!text.endsWith('\n') || text.includes('\r') || /^(?:---|%)|[:-] [&*]\w/m.test(text)) return undefined;
    const at = text.startsWith(section) ? 0 : text.indexOf(`\n${section}`) + 1;
    if (at === 0 && !text.startsWith(section)) return undefined;
    const begin = at + section.length;
    // Every stage must start in the third column, or the blocks cannot be told apart.
    if (!/^ {2}\S/.test(text.slice(begin, begin + 3))) return undefined;
    const blocks: string[] = [];
    let from = begin;
    let end = begin;
    while (end < text.length && !startsAtColumn(text, end, 0)) {
      if (end > from && startsAtColumn(text, end, 2)) {
        blocks.push(text.slice(from, end));
        from = end;
      }
      end = text.indexOf('\n', end) + 1;
    }
    blocks.push(text.slice(from, end));
    return new LockText(text.slice(0, begin), blocks, text.slice(end));
  }

  private constructor(head: string, blocks: string[], tail: string) {
    this.#head = head;
    this.#blocks = blocks;
    this.#tail = tail;
    this.#places = placesOf(blocks);
  }

  /** True for a file that is not there yet, or has nothing in it. */
  get isEmpty(): boolean {
    return this.#blocks.length === 0;
  }

  get text(): string {
    return (this.#joined ??= this.#head + this.#blocks.join('') + this.#tail);
  }

  /**
   * Replaces a stage, or adds it at the end or in front of another one.
   *
   * @returns undefined when the name cannot be told from the layout; nothing is changed then.
   */
  put(name: string, stage: LockedStage, before?: string): LockChange | undefined {
    const block = blockOf(name, lockedStageMap(stage));
    const key = firstLine(block);
    if (!key.startsWith('  ') || key.startsWith('  ?') || !key.endsWith(':\n')) return undefined;
    const found = this.#places.get(key);
    if (found !== undefined && this.#blocks[found] === block) return { changed: false, appended: undefined };
    this.#joined = undefined;
    if (found !== undefined) {
      this.#blocks[found] = block;
      return { changed: true, appended: undefined };
    }
    const next =
      before === undefined ? undefined : this.#places.get(firstLine(blockOf(before, new Map([['cmd', '']]))));
    if (next !== undefined) {
      this.#blocks.splice(next, 0, block);
      this.#places.clear();
      for (const [line, place] of placesOf(this.#blocks)) this.#places.set(line, place);
      return { changed: true, appended: undefined };
    }
    this.#places.set(key, this.#blocks.push(block) - 1);
    return { changed: true, appended: this.#tail === '' && this.#blocks.length > 1 ? block : undefined };
  }
}

/** A stage as DVC writes it into the section. */
function blockOf(name: string, value: ReturnType<typeof lockedStageMap>): string {
  const text = dumpYaml(new Map([['stages', new Map([[name, value]])]]));
  return text.slice(text.indexOf('\n') + 1);
}

function firstLine(block: string): string {
  return block.slice(0, block.indexOf('\n') + 1);
}

function placesOf(blocks: readonly string[]): Map<string, number> {
  const places = new Map<string, number>();
  for (const [place, block] of blocks.entries()) {
    const line = firstLine(block);
    if (!places.has(line)) places.set(line, place);
  }
  return places;
}

/** Whether a line's first character that is no space is at that column or before it. */
function startsAtColumn(text: string, at: number, column: number): boolean {
  for (let i = at; i <= at + column; i++) {
    const code = text.charCodeAt(i);
    if (code === 10) return false;
    // As `\S` sees it: tabs and the like do not begin a stage.
    if (code !== 32) return /\S/.test(text.charAt(i));
  }
  return false;
}
