import { schemaError } from '../schema.ts';

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
  /((?:[A-Za-z0-9 _@:;,%&#~'"=<>!/-]|\\[dw.+*?()|[\]{}^$/-]|\[\^?(?:[A-Za-z0-9 _@.:;,%&#~+*-]|\\[dw.-])+\]))(\{\d{1,2}(?:,\d{0,2})?\}|[+*?])?/y;

/**
 * Whether an expression is a plain row of characters and classes from the start of the text, where RE2 and the language
 * mean the same and a search by trial is linear: what repeats without limit ends where the next character must begin,
 * the last such piece excepted, and few pieces have a choice of lengths.
 */
function isQuick(pattern: string): boolean {
  if (!pattern.startsWith('^')) return false;
  const end = pattern.endsWith('$') && !pattern.endsWith(String.raw`\$`) ? pattern.length - 1 : pattern.length;
  const pieces: Piece[] = [];
  let ways = 1;
  piece.lastIndex = 1;
  while (piece.lastIndex < end) {
    const match = piece.exec(pattern);
    if (match === null || piece.lastIndex > end) return false;
    const [, atom = '', repeat] = match;
    const { least, most } = lengthsOf(repeat);
    pieces.push({ atom, least, isUnlimited: most === Infinity });
    if (most !== Infinity) ways *= most - least + 1;
  }
  const last = pieces.findLastIndex((one) => one.isUnlimited);
  const areBounded = pieces.every((one, i) => {
    if (!one.isUnlimited || i === last) return true;
    const next = pieces[i + 1];
    return next !== undefined && next.least > 0 && areApart(one.atom, next.atom);
  });
  return areBounded && ways <= 64;
}

interface Piece {
  readonly atom: string;
  readonly least: number;
  readonly isUnlimited: boolean;
}

function lengthsOf(repeat: string | undefined): { least: number; most: number } {
  if (repeat === undefined) return { least: 1, most: 1 };
  if (repeat === '?') return { least: 0, most: 1 };
  if (repeat === '*' || repeat === '+') return { least: repeat === '+' ? 1 : 0, most: Infinity };
  const [least = '0', most = least] = repeat.slice(1, -1).split(',');
  return { least: Number(least), most: most === '' ? Infinity : Number(most) };
}

/** No character fits both. Beyond ASCII a class has all characters or none. */
function areApart(one: string, other: string): boolean {
  const [first, second] = [new RegExp(`^(?:${one})$`, 'u'), new RegExp(`^(?:${other})$`, 'u')];
  for (let code = 0; code <= 128; code++) {
    const character = String.fromCharCode(code);
    if (first.test(character) && second.test(character)) return false;
  }
  return true;
}
