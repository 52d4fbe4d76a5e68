/** A line of `.dvcignore` ready to match paths relative to the project, without a leading slash. */
export interface IgnorePattern {
  /** How `check-ignore -d` names it: `sub/.dvcignore:3:*.log`. */
  readonly origin: string;
  /** False for lines that start with `!`. */
  readonly ignores: boolean;
  readonly directoriesOnly: boolean;
  /** Directories are tried as `path` and as `path/`. */
  readonly regex: RegExp;
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
  const source = patternSource(pattern);
  if (source === undefined) return undefined;
  try {
    return { origin, ignores, directoriesOnly: text.endsWith('/'), regex: new RegExp(`^(?:${source})`, 'u') };
  } catch {
    // A character range such as [z-a].
    return undefined;
  }
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

function patternSource(pattern: string): string | undefined {
  const segments = normalize(pattern.split('/'));
  if (segments === undefined) return undefined;
  if (typeof segments === 'string') return segments;
  const directory = pattern.endsWith('/');
  let source = '';
  let needSlash = false;
  for (const [i, segment] of segments.entries()) {
    const last = i === segments.length - 1;
    if (segment === '**') {
      if (i === 0) source += '(?:.+/)?';
      else source += last ? '/' : '(?:/.+)?';
      needSlash = i > 0 && !last;
      continue;
    }
    const glob = segment === '*' ? '[^/]+' : globSource(segment);
    if (glob === undefined) return undefined;
    source += (needSlash ? '/' : '') + glob + (last ? '(?:/|$)' : '');
    needSlash = true;
  }
  return directory && source === '' ? undefined : source;
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

/** Undefined for a bracket that is never closed, and for a backslash at the end. */
function globSource(glob: string): string | undefined {
  let source = '';
  for (let i = 0; i < glob.length; i++) {
    const char = glob[i] ?? '';
    if (char === '*') source += '[^/]*';
    else if (char === '?') source += '[^/]';
    else if (char === '[') {
      const end = bracketEnd(glob, i);
      if (end === undefined) return undefined;
      const negated = glob[i + 1] === '!' || glob[i + 1] === '^';
      const inner = glob.slice(i + (negated ? 2 : 1), end).replace(/[\\[\]]/g, '\\$&');
      source += `[${negated ? '^' : ''}${inner}]`;
      i = end;
    } else {
      const literal = char === '\\' ? glob[++i] : char;
      if (literal === undefined) return undefined;
      source += literal.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
    }
  }
  return source;
}

function bracketEnd(glob: string, start: number): number | undefined {
  let at = start + 1;
  if (glob[at] === '!' || glob[at] === '^') at++;
  if (glob[at] === ']') at++;
  const end = glob.indexOf(']', at);
  return end < 0 ? undefined : end;
}
