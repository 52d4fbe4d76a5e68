import { invalid } from './limits.ts';

export type Token =
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'operator'; readonly text: string }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'string'; readonly text: string; readonly source: string }
  | { readonly kind: 'list'; readonly items: readonly string[]; readonly odd: boolean; readonly source: string };

const patterns = [
  ['operator', /!=|<>|>=|<=|=|>|</y],
  ['number', /-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?=[\s),=<>!]|$)/y],
  // A backslash may keep a quote from ending the text, unless nothing else would end it (sqlparse, as MLflow uses it).
  ['string', /'[^'\\]*(?:(?:''|\\'|\\)[^'\\]*)*'|"[^"\\]*(?:(?:\\"|\\)[^"\\]*)*"/y],
  // A namespace may be followed by a quoted key: metrics.`loss/val`, params."a b", tags.'c d'.
  [
    'word',
    /[^\s=!<>'"`(),]+\.'[^'\\]*(?:(?:\\'|\\)[^'\\]*)*'|(?:[^\s=!<>'"`(),]+\.)?(?:`[^`]*`|"[^"]*")|[^\s=!<>'"`(),]+/y,
  ],
] as const;

/** Splits a filter into words, operators and literals; throws `invalid_value` for what is none. */
export function tokenize(filter: string): Token[] {
  const tokens: Token[] = [];
  let position = 0;
  while (position < filter.length) {
    if (/\s/.test(filter[position] ?? '')) {
      position++;
      continue;
    }
    if (filter[position] === ';') throw multiple(filter);
    const { token, end } = tokenAt(filter, position, tokens.at(-1));
    tokens.push(token);
    position = end;
  }
  return tokens;
}

function tokenAt(filter: string, position: number, before: Token | undefined): { token: Token; end: number } {
  if (filter[position] === '(') return listAt(filter, position);
  for (const [kind, pattern] of patterns) {
    // `"a b" = 1` cannot be: a quoted text before an operator is an identifier.
    if (kind === 'string' && before?.kind !== 'operator' && !isLike(before)) continue;
    pattern.lastIndex = position;
    const text = pattern.exec(filter)?.[0];
    if (text === undefined) continue;
    const end = position + text.length;
    if (kind === 'string') return { token: { kind, text: unquote(text), source: text }, end };
    if (kind === 'word' && text.endsWith(';')) throw multiple(filter);
    return { token: { kind, text }, end };
  }
  throw invalid(`Invalid clause(s) in filter string: '${filter.slice(position)}'`);
}

function isLike(token: Token | undefined): boolean {
  return token?.kind === 'word' && /^[ir]?like$/i.test(token.text);
}

function listAt(filter: string, position: number): { token: Token; end: number } {
  const match = /\(([^()]*)\)/y;
  match.lastIndex = position;
  const found = match.exec(filter);
  if (found === null) throw invalid(`Invalid clause(s) in filter string: '${filter.slice(position)}'`);
  const items = itemsOf(found[1] ?? '');
  const odd = items.some((item) => !/^'.*'$|^".*"$/s.test(item));
  return {
    token: { kind: 'list', items: items.map(unquote), odd, source: found[0] },
    end: position + found[0].length,
  };
}

/** The items between the commas of a list, without blanks around them; commas inside quotes do not count. */
function itemsOf(text: string): string[] {
  const items: string[] = [];
  const blanks = /\s*/y;
  const quoted = /(?:'(?:[^']|'')*'|"[^"]*")(?=\s*(?:,|$))/y;
  let position = 0;
  while (position < text.length) {
    blanks.lastIndex = position;
    blanks.exec(text);
    quoted.lastIndex = blanks.lastIndex;
    const item = quoted.exec(text)?.[0];
    const comma = text.indexOf(',', item === undefined ? position : quoted.lastIndex);
    const end = comma === -1 ? text.length : comma;
    const bare = text.slice(position, end);
    if (item !== undefined || bare !== '') items.push(item ?? (bare.trim() || bare.slice(-1)));
    position = end + 1;
  }
  return items;
}

function unquote(text: string): string {
  const inner = text.slice(1, -1);
  return text.startsWith("'") ? inner.replaceAll("''", "'") : inner;
}

function multiple(filter: string): Error {
  return invalid(`Search filter contained multiple expression '${filter}'. Provide AND-ed expression list.`);
}
