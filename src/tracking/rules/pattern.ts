import { invalid } from '../../mlflow/index.ts';

/** A pattern of RLIKE, made ready. */
interface Matcher {
  find(text: string): boolean;
}

let compile: ((pattern: string) => Matcher) | undefined;
const known = new Map<string, Matcher>();
const mostKnown = 50;

/**
 * Makes patterns usable where a filter has RLIKE. They are foreign text: the engine is RE2's, whose time is linear in
 * what it reads, whatever the pattern is. It is loaded when it is first needed.
 */
export async function loadPatterns(filter: string | undefined): Promise<void> {
  if (compile !== undefined || filter === undefined || !/rlike/i.test(filter)) return;
  const { RE2JS } = await import('re2js');
  compile = (pattern) => {
    try {
      const compiled = RE2JS.compile(pattern);
      return { find: (text) => compiled.matcher(text).find() };
    } catch {
      throw invalid(`Invalid regular expression '${pattern.slice(0, 200)}'.`);
    }
  };
}

/** Whether some part of a text fits a pattern, as RLIKE has it. */
export function matchesPattern(pattern: string, text: string): boolean {
  let matcher = known.get(pattern);
  if (matcher === undefined) {
    if (compile === undefined) throw new Error('patterns are not loaded');
    matcher = compile(pattern);
    if (known.size >= mostKnown) known.clear();
    known.set(pattern, matcher);
  }
  return matcher.find(text);
}
