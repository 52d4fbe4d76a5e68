import { anyCharacter, anyText, type WildcardPart } from '../../base/index.ts';
import { anyDepth, anyName, needsOf, SegmentPattern, type PatternSegment } from './segments.ts';

/** A line of `.dvcignore` ready to match paths relative to the project, without a leading slash. */
export interface IgnorePattern {
  /** How `check-ignore -d` names it: `sub/.dvcignore:3:*.log`. */
  readonly origin: string;
  /** False for lines that start with `!`. */
  readonly ignores: boolean;
  readonly directoriesOnly: boolean;
  /** Directories are tried as `path` and as `path/`. */
  readonly matcher: { test(path: string): boolean };
  /** The line without what only says who wrote it: equal lines match alike. */
  readonly text: string;
  /** Texts that a path must hold to match, as `needsOf` gives them. */
  readonly needs: readonly string[];
}

/**
 * Compiles a gitignore line as pathspec's `GitIgnoreSpecPattern` does, for matching from the start of a
 * path. Undefined for blank lines, comments and lines that Git discards.
 */
export function compilePattern(line: string, origin: string): IgnorePattern | undefined {
  const text = line.endsWith('\\ ') ? line : line.trimEnd();
  if (text === '' || text.startsWith('#') || text === '/') return undefined;
  const ignores = !text.startsWith('!');
  const pattern = ignores ? text : text.slice(1);
  const segments = segmentsOf(pattern);
  if (segments === undefined) return undefined;
  const needs = typeof segments === 'string' ? [] : needsOf(segments);
  const matcher = new LateMatcher(segments, pattern.length);
  return { origin, ignores, directoriesOnly: text.endsWith('/'), matcher, text, needs };
}

/**
 * A rule of a `.dvcignore` in a subfolder as a rule of the project's root.
 *
 * @param folder tree path of that subfolder.
 */
export function rebasePattern(line: string, folder: string): string {
  if (folder === '') return line;
  const negated = line.startsWith('!');
  let rule = negated ? line.slice(1) : line;
  const anchored = rule.slice(0, -1).includes('/') && !rule.startsWith('**/');
  rule = rule.replace(anchored ? /^\// : /^\*\*\//, '');
  if (rule.startsWith('\\')) rule = rule.slice(1);
  return `${negated ? '!' : ''}/${folder}/${anchored ? '' : '**/'}${rule}`;
}

/** Of many lines few are ever tried: the expression is made then. */
class LateMatcher {
  readonly #segments: readonly PatternSegment[] | string;
  readonly #length: number;
  #made: { test(path: string): boolean } | undefined;

  constructor(segments: readonly PatternSegment[] | string, length: number) {
    this.#segments = segments;
    this.#length = length;
  }

  test(path: string): boolean {
    return (this.#made ??= matcherOf(this.#segments, this.#length)).test(path);
  }
}

function matcherOf(segments: readonly PatternSegment[] | string, length: number): { test(path: string): boolean } {
  if (typeof segments === 'string') return new RegExp(`^${segments}`, 'u');
  const safe = new SegmentPattern(segments);
  if (!isHarmless(segments, length)) return safe;
  const fast = new RegExp(`^(?:${sourceOf(segments)})`, 'u');
  // Trees of Git hold names of any length.
  return { test: (path) => (path.length > longPath ? safe : fast).test(path) };
}

/** From here on a regular expression may have much to try. */
const longPath = 512;

/** The steps of a pattern; a string is a finished regular expression, undefined what matches nothing. */
export function segmentsOf(pattern: string): readonly PatternSegment[] | string | undefined {
  const steps = normalize(pattern.split('/'));
  if (steps === undefined || typeof steps === 'string') return steps;
  const segments: PatternSegment[] = [];
  for (const step of steps) {
    const segment = step === '**' ? anyDepth : step === '*' ? anyName : globParts(step);
    if (segment === undefined) return undefined;
    segments.push(segment);
  }
  return segments;
}

/** Whether a regular expression has little to try: nearly all patterns, and it is the fastest on them. */
function isHarmless(segments: readonly PatternSegment[], length: number): boolean {
  const depths = segments.slice(0, -1).filter((segment) => segment === anyDepth);
  const stars = segments.map((segment) =>
    segment === anyDepth ? 0 : segment.filter((part) => part === anyText).length,
  );
  return depths.length <= 1 && segments.length <= 50 && stars.every((count) => count <= 2) && length <= 1000;
}

/** A regular expression that says the same, but may try for ever. */
export function sourceOf(segments: readonly PatternSegment[]): string {
  let source = '';
  for (const [i, segment] of segments.entries()) {
    const last = i === segments.length - 1;
    if (segment === anyDepth) {
      source += i === 0 ? '(?:.+/)?' : last ? '/' : '(?:/.+)?';
      continue;
    }
    const slash = i === 0 || (i === 1 && segments[0] === anyDepth) ? '' : '/';
    const glob = segment === anyName ? '[^/]+' : segment.map(partSource).join('');
    source += slash + glob + (last ? '(?:/|$)' : '');
  }
  return source;
}

function partSource(part: WildcardPart): string {
  if (part === anyText) return '[^/]*';
  if (part === anyCharacter) return '[^/]';
  return typeof part === 'string' ? part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&') : part.source.slice(1, -1);
}

/** Segments with `**` where a pattern may match at any depth; a string is a finished expression. */
function normalize(parts: string[]): string[] | string | undefined {
  const directory = parts.at(-1) === '';
  const segments = [...parts];
  if (segments[0] === '') segments.shift();
  else if ((segments.length === 1 || (segments.length === 2 && segments[1] === '')) && segments[0] !== '**') {
    segments.unshift('**');
  }
  if (segments.length === 0) return undefined;
  if (segments.at(-1) === '') segments[segments.length - 1] = '**';
  const collapsed = segments.filter((segment, i) => !(segment === '**' && segments[i - 1] === '**'));
  const shape = collapsed.join('/');
  if (shape === '**') return directory ? '/' : '.';
  if (shape === '**/*') return '.';
  return shape === '**/*/**' ? '/' : collapsed;
}

/** Undefined for a bracket that is never closed or holds a range like [z-a], and for a backslash at the end. */
function globParts(glob: string): WildcardPart[] | undefined {
  const parts: WildcardPart[] = [];
  let literal = '';
  const add = (part?: WildcardPart): void => {
    if (literal !== '') parts.push(literal);
    literal = '';
    if (part !== undefined && !(part === anyText && parts.at(-1) === anyText)) parts.push(part);
  };
  for (let i = 0; i < glob.length; i++) {
    const char = glob[i] ?? '';
    if (char === '*') add(anyText);
    else if (char === '?') add(anyCharacter);
    else if (char === '[') {
      const end = bracketEnd(glob, i);
      const set = end === undefined ? undefined : classOf(glob.slice(i + 1, end));
      if (end === undefined || set === undefined) return undefined;
      add(set);
      i = end;
    } else {
      const own = char === '\\' ? glob[++i] : char;
      if (own === undefined) return undefined;
      literal += own;
    }
  }
  add();
  return parts;
}

function classOf(inside: string): RegExp | undefined {
  const negated = inside.startsWith('!') || inside.startsWith('^');
  const members = (negated ? inside.slice(1) : inside).replace(/[\\[\]]/g, '\\$&');
  try {
    return new RegExp(`^[${negated ? '^' : ''}${members}]$`, 'u');
  } catch {
    return undefined;
  }
}

function bracketEnd(glob: string, start: number): number | undefined {
  let at = start + 1;
  if (glob[at] === '!' || glob[at] === '^') at++;
  if (glob[at] === ']') at++;
  const end = glob.indexOf(']', at);
  return end < 0 ? undefined : end;
}
