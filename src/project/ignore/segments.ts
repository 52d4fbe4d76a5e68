import { anyCharacter, anyText, matchesWildcard, type WildcardPart } from '../../base/index.ts';

/** One step of a pattern: the name of a file or folder, or `**`, any number of folders. */
export type PatternSegment = readonly WildcardPart[] | typeof anyDepth;

export const anyDepth = Symbol('**');

/** `*` as a whole segment: any name. */
export const anyName: PatternSegment = [anyCharacter, anyText];

/** More steps than a path of 4096 bytes can have. */
const maxDepth = 2048;

/**
 * A pattern that is tried step by step along a path, for patterns on which a regular expression could try for ever:
 * the work is at most the number of its steps for each step of the path.
 */
export class SegmentPattern {
  readonly #segments: readonly PatternSegment[];
  readonly #isPossible: boolean;
  /** The path of the last question, and for each of its steps which steps of the pattern are done before it. */
  #names: readonly string[] = [];
  #reached: ReadonlySet<number>[];

  constructor(segments: readonly PatternSegment[]) {
    this.#segments = segments;
    this.#isPossible = segments.filter((segment) => segment !== anyDepth).length <= maxDepth;
    this.#reached = [this.#isPossible ? this.#open(new Set([0])) : new Set()];
  }

  /** Whether the path, or a folder that it is in, is what the pattern names. */
  test(path: string): boolean {
    if (!this.#isPossible) return false;
    const names = path.split('/');
    this.#forgetAfter(names);
    for (const [depth, name] of names.entries()) {
      const reached = (this.#reached[depth + 1] ??= this.#step(this.#reached[depth], name));
      if (reached.has(this.#segments.length) || (depth + 1 < names.length && this.#isInside(reached))) return true;
      if (reached.size === 0) return false;
    }
    return false;
  }

  /** Keeps what is known of the beginning that a path has in common with the last one: mostly its folder. */
  #forgetAfter(names: readonly string[]): void {
    let common = 0;
    while (common < names.length && names[common] === this.#names[common]) common++;
    this.#reached.length = Math.min(this.#reached.length, common + 1);
    this.#names = names;
  }

  #step(before: ReadonlySet<number> = new Set(), name: string): ReadonlySet<number> {
    const next = new Set<number>();
    for (const at of before) {
      const segment = this.#segments[at];
      if (segment === undefined) continue;
      if (segment !== anyDepth) {
        if (matchesWildcard(segment, name)) next.add(at + 1);
      } else if (name !== '' && !name.includes('\n')) next.add(at);
    }
    return this.#open(next);
  }

  /** With the steps that can be left out: `**` before another one stands for no folder, too. */
  #open(reached: Set<number>): Set<number> {
    for (const at of reached) {
      if (this.#segments[at] === anyDepth && at + 1 < this.#segments.length) reached.add(at + 1);
    }
    return reached;
  }

  /** At a `**` that ends the pattern: whatever is in that folder. */
  #isInside(reached: ReadonlySet<number>): boolean {
    const last = this.#segments.length - 1;
    return this.#segments[last] === anyDepth && reached.has(last);
  }
}

/** Longest text that is looked up: it bounds the work for a name. */
const textLength = 8;
const usedSegments = 8;

/** What a path must hold to match: `=name` for a whole name, `~text` for a part of one. */
export function needsOf(segments: readonly PatternSegment[]): readonly string[] {
  return segments.slice(-usedSegments).flatMap((segment) => {
    if (segment === anyDepth || segment === anyName) return [];
    const texts = segment.filter((part) => typeof part === 'string');
    if (texts.length === 1 && segment.length === 1) return [`=${texts[0]}`];
    return texts.slice(-usedSegments).map((text) => `~${text.slice(-textLength)}`);
  });
}
