import { schemaError } from './schema.ts';

/** Texts whose answer is remembered. */
const mostKnown = 10_000;

/**
 * A regular expression of a schema, as "some part of the text fits". It is foreign text, so the engine is RE2's, whose
 * time is linear in what it reads; the language's own, which is faster, runs what it cannot be slow with.
 *
 * @throws MlopsError `bad_settings` for an expression that RE2 does not know: groups named twice, looking around.
 */
export async function compilePattern(pattern: string, column: string): Promise<(text: string) => boolean> {
  const { RE2JS } = await import('re2js');
  let compiled: ReturnType<typeof RE2JS.compile>;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (error) {
    throw schemaError(
      `columns.${column}.regex: '${pattern.slice(0, 200)}' is no regular expression of RE2`,
      `${error instanceof Error ? error.message : String(error)}; looking around and back references are not in it`,
    );
  }
  if (isQuick(pattern)) {
    const own = new RegExp(pattern, 'u');
    return (text) => own.test(text);
  }
  const known = new Map<string, boolean>();
  return (text) => {
    let fits = known.get(text);
    if (fits === undefined) {
      fits = compiled.matcher(text).find();
      if (known.size >= mostKnown) known.clear();
      known.set(text, fits);
    }
    return fits;
  };
}

const piece =
  /(?:[A-Za-z0-9 _@:;,%&#~'"=<>!/-]|\\[dw.+*?()|[\]{}^$/-]|\[\^?(?:[A-Za-z0-9 _@.:;,%&#~+*-]|\\[dw.-])+\])(\{\d{1,2}(?:,\d{0,2})?\}|[+*?])?/y;

/**
 * Whether an expression is a plain row of characters and classes from the start of the text, of which one at most may
 * be repeated without limit and few others in a choice of lengths. A search by trial is linear there, and RE2 and the
 * language mean the same by it.
 */
function isQuick(pattern: string): boolean {
  if (!pattern.startsWith('^')) return false;
  const end = pattern.endsWith('$') && !pattern.endsWith(String.raw`\$`) ? pattern.length - 1 : pattern.length;
  let unlimited = 0;
  let ways = 1;
  piece.lastIndex = 1;
  while (piece.lastIndex < end) {
    const match = piece.exec(pattern);
    if (match === null || piece.lastIndex > end) return false;
    const [, repeat] = match;
    if (repeat === undefined) continue;
    const [least = '0', most = least] = repeat.slice(1, -1).split(',');
    if (repeat === '+' || repeat === '*' || (repeat.startsWith('{') && most === '')) unlimited++;
    else ways *= repeat === '?' ? 2 : Number(most) - Number(least) + 1;
  }
  return unlimited <= 1 && ways <= 64;
}
