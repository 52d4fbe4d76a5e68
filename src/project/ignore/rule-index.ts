import type { IgnorePattern } from './pattern.ts';

/** A pattern with its place among the rules of a folder. */
export interface RankedPattern {
  readonly pattern: IgnorePattern;
  readonly order: number;
  /** Patterns of one kind in a row are a block: any of them decides alike. */
  readonly block: number;
}

/** So few are tried faster than they are looked up. */
const fewPatterns = 16;
const keptNames = 10_000;

/**
 * The patterns of a file, and of those above it, by texts that a path must hold for them to match: of ten thousand
 * lines a path tries the few that can mean it.
 */
export class RuleIndex {
  readonly #above: RuleIndex | undefined;
  readonly #own: readonly RankedPattern[];
  readonly #last: RankedPattern | undefined;
  #few: readonly RankedPattern[] | undefined;
  #lookup: Lookup | undefined;

  constructor(patterns: readonly IgnorePattern[], above?: RuleIndex) {
    this.#above = above;
    let last = above === undefined ? undefined : above.#last;
    const seen = new Set<string>();
    this.#own = patterns.flatMap((pattern) => {
      if (last === undefined || !joins(last.pattern, pattern)) seen.clear();
      // A line that stands twice in a block never decides.
      if (seen.has(pattern.text)) return [];
      seen.add(pattern.text);
      last = ranked(pattern, last);
      return [last];
    });
    this.#last = last;
  }

  /** Patterns that may match a path, in their order; every other one does not. */
  candidates(path: string): readonly RankedPattern[] {
    if (this.#own.length <= fewPatterns && this.#above === undefined) return this.#own;
    if (this.#few !== undefined) return this.#few;
    const above = this.#above?.candidates(path) ?? [];
    if (this.#own.length > fewPatterns) return [...above, ...(this.#lookup ??= new Lookup(this.#own)).find(path)];
    const all = [...above, ...this.#own];
    if (this.#above?.isFew() === true) this.#few = all;
    return all;
  }

  private isFew(): boolean {
    return this.#own.length <= fewPatterns && (this.#above === undefined || this.#few !== undefined);
  }
}

function ranked(pattern: IgnorePattern, before: RankedPattern | undefined): RankedPattern {
  if (before === undefined) return { pattern, order: 0, block: 0 };
  return { pattern, order: before.order + 1, block: before.block + (joins(before.pattern, pattern) ? 0 : 1) };
}

/** Lines that spare a path are a block each. */
function joins(before: IgnorePattern, pattern: IgnorePattern): boolean {
  return before.ignores && pattern.ignores && before.directoriesOnly === pattern.directoriesOnly;
}

/** Every pattern stands under the rarest of its texts. */
class Lookup {
  readonly #anywhere: RankedPattern[] = [];
  readonly #byName = new Map<string, RankedPattern[]>();
  readonly #byText = new Map<string, RankedPattern[]>();
  readonly #lengths: number[] = [];
  readonly #known = new Map<string, ReadonlySet<RankedPattern>>();

  constructor(patterns: readonly RankedPattern[]) {
    const counts = new Map<string, number>();
    for (const { pattern } of patterns) for (const key of pattern.needs) counts.set(key, (counts.get(key) ?? 0) + 1);
    for (const entry of patterns) {
      let rarest: string | undefined;
      for (const key of entry.pattern.needs) {
        if (rarest === undefined || (counts.get(key) ?? 0) < (counts.get(rarest) ?? 0)) rarest = key;
      }
      if (rarest === undefined) this.#anywhere.push(entry);
      else put(rarest.startsWith('=') ? this.#byName : this.#byText, rarest.slice(1), entry);
    }
    this.#lengths = [...new Set([...this.#byText.keys()].map((text) => text.length))];
  }

  find(path: string): readonly RankedPattern[] {
    const found = new Set(this.#anywhere);
    for (const name of path.split('/')) for (const entry of this.#ofName(name)) found.add(entry);
    return found.size === this.#anywhere.length ? this.#anywhere : [...found].sort((a, b) => a.order - b.order);
  }

  #ofName(name: string): ReadonlySet<RankedPattern> {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const found = new Set(this.#byName.get(name));
    for (const length of this.#lengths) {
      for (let at = 0; at + length <= name.length; at++) {
        for (const entry of this.#byText.get(name.slice(at, at + length)) ?? []) found.add(entry);
      }
    }
    if (this.#known.size >= keptNames) this.#known.clear();
    this.#known.set(name, found);
    return found;
  }
}

function put(map: Map<string, RankedPattern[]>, key: string, entry: RankedPattern): void {
  const entries = map.get(key);
  if (entries === undefined) map.set(key, [entry]);
  else entries.push(entry);
}
