/**
 * The lines of a ConfigObj file. Its expressions for sections, options and values may try for ever on a line that
 * almost fits, and configs come with clones; these read the same in time that grows with the line.
 */

/** What stands between the brackets, as it is written there, and how many brackets there are on each side. */
export interface SectionLine {
  readonly name: string;
  readonly opening: number;
  readonly closing: number;
}

/** `[name]` with a comment perhaps; undefined for other lines. */
export function readSectionLine(line: string): SectionLine | undefined {
  const open = /^[\s[]*/.exec(line)?.[0] ?? '';
  const first = open.indexOf('[');
  if (first < 0) return undefined;
  // A bracket is a name too, where nothing else can be.
  const last = open.lastIndexOf('[');
  return sectionFrom(line, open.length) ?? (last > first ? sectionFrom(line, last) : undefined);
}

function sectionFrom(line: string, start: number): SectionLine | undefined {
  const quote = quoteAt(line, start);
  // Quotes hold more than blanks.
  const least = quote === undefined ? start + 1 : afterBlanks(line, start + 1) + 2;
  const runs = /[\s\]]+/g;
  runs.lastIndex = least;
  for (const run of line.matchAll(runs)) {
    const [text] = run;
    const after = line[run.index + text.length];
    const closing = text.split(']').length - 1;
    const ends = closing > 0 && (after === undefined || after === '#');
    if (ends && (quote === undefined || line[run.index - 1] === quote)) {
      return { name: line.slice(start, run.index), opening: line.slice(0, start).split('[').length - 1, closing };
    }
  }
  return undefined;
}

/** `key = value`, the key with its quotes; undefined for other lines. */
export function readOptionLine(line: string): { readonly key: string; readonly value: string } | undefined {
  const start = afterBlanks(line, 0);
  const quote = quoteAt(line, start);
  if (quote !== undefined) {
    const closing = quote === '"' ? /"\s*=/g : /'\s*=/g;
    closing.lastIndex = start + 1;
    const found = closing.exec(line);
    if (found !== null) {
      return { key: line.slice(start, found.index + 1), value: line.slice(closing.lastIndex).trimStart() };
    }
  }
  // A quote that is never closed, or no name at all: then the blank before it begins the name.
  const from = quote === undefined && line[start] !== '=' ? start : start - 1;
  const equals = from < 0 ? -1 : line.indexOf('=', from + 1);
  if (equals < 0) return undefined;
  const key = line[from] + line.slice(from + 1, equals).trimEnd();
  return { key, value: line.slice(equals + 1).trimStart() };
}

/** A text, or a list where there are commas; undefined for what ConfigObj cannot read. No blanks before it. */
export function readValue(source: string): string | readonly string[] | undefined {
  const triple = /^(?:"""(.*?)"""|'''(.*?)''')\s*(?:#.*)?$/s.exec(source);
  if (triple !== null) return triple[1] ?? triple[2] ?? '';
  if (/^("""|''')/.test(source)) return undefined;
  const ways = waysOf(source);
  const may = (at: number, what: number): boolean => ((ways[at] ?? 0) & what) !== 0;
  if (!may(0, item | last)) return source.startsWith(',') && may(1, end) ? [] : undefined;
  let at = 0;
  while (may(at, item)) {
    const comma = source.indexOf(
      ',',
      closeOf(source, at, (place) => may(place, commaNext)),
    );
    const start = comma + 1;
    // As many blanks as can be: one of them may begin a value that a quote cannot.
    for (at = afterBlanks(source, start); at > start && !may(at, item | last);) at--;
  }
  const single = may(at, lastText)
    ? source.slice(
        at,
        closeOf(source, at, (place) => may(place, end)),
      )
    : '';
  if (at === 0) return unquote(single);
  const list = listItems(source.slice(0, at));
  if (list.includes('')) return undefined;
  return (single === '' ? list : [...list, single]).map(unquote);
}

/** A text without the quotes around it; a quote alone is one, too, to ConfigObj. */
export function unquote(text: string): string {
  return quoteAt(text, 0) !== undefined && text.endsWith(text.charAt(0)) ? text.slice(1, -1) : text;
}

/** Only blanks and a comment follow. */
const end = 1;
/** Only blanks follow before a comma after which all can be read. */
const commaNext = 2;
/** After a comma: blanks, then what can be read. */
const afterComma = 4;
/** An item and its comma begin here, or the last text, or nothing more. */
const [item, last, lastText] = [8, 16, 32];
/** Inside of an item or a last text, by its quotes. */
const inside = {
  '"': { item: 64, last: 128 },
  "'": { item: 256, last: 512 },
  plain: { item: 1024, last: 2048 },
};

/**
 * What can be read from each place of a value, found from its end backwards, so that nothing is tried twice. A value
 * is: items with a comma after each, a last text perhaps, a comment perhaps.
 */
function waysOf(source: string): Uint16Array {
  const ways = new Uint16Array(source.length + 1);
  for (let at = source.length; at >= 0; at--) {
    const char = source[at];
    const next = ways[at + 1] ?? 0;
    const quote = quoteAt(source, at);
    const blank = isBlank(char);
    let own = blank ? next & (end | commaNext | afterComma) : 0;
    if (char === undefined || char === '#') own |= end;
    if (char === ',' && (next & afterComma) !== 0) own |= commaNext;
    for (const mark of ['"', "'"] as const) {
      const { item: asItem, last: asLast } = inside[mark];
      own |= next & (asItem | asLast);
      if (quote === mark && (next & commaNext) !== 0) own |= asItem;
      if (quote === mark && (next & end) !== 0) own |= asLast;
    }
    const { plain } = inside;
    if ((own & commaNext) !== 0 || (char !== ',' && char !== '#' && (next & plain.item) !== 0)) own |= plain.item;
    if ((own & end) !== 0 || (char !== ',' && (next & plain.last) !== 0)) own |= plain.last;
    const kind = inside[quote ?? 'plain'];
    if (char !== ',' && char !== '#' && (next & kind.item) !== 0) own |= item;
    if (char !== ',' && char !== '#' && !blank && (next & kind.last) !== 0) own |= lastText;
    if ((own & (end | lastText)) !== 0) own |= last;
    if ((own & (item | last)) !== 0) own |= afterComma;
    ways[at] = own;
  }
  return ways;
}

/** The place after the text that begins at `start`: the first one that fits, and that its quotes allow. */
function closeOf(source: string, start: number, fits: (place: number) => boolean): number {
  const quote = quoteAt(source, start);
  let place = quote === undefined ? start + 1 : start + 2;
  while (!fits(place) || (quote !== undefined && source[place - 1] !== quote)) place++;
  return place;
}

/** Items, each with a comma after it, as they are written. Quotes count where a comma follows them. */
function listItems(items: string): string[] {
  const list: string[] = [];
  const neverClosed = new Set<string>();
  for (let at = 0; at < items.length;) {
    const quote = quoteAt(items, at);
    const closing = quote === '"' ? /"\s*,/g : /'\s*,/g;
    closing.lastIndex = at + 1;
    const found = quote === undefined || neverClosed.has(quote) ? null : closing.exec(items);
    if (found === null && quote !== undefined) neverClosed.add(quote);
    const comma = items.indexOf(',', at);
    list.push(found === null ? items.slice(at, comma).trimEnd() : items.slice(at, found.index + 1));
    at = afterBlanks(items, found === null ? comma + 1 : closing.lastIndex);
  }
  return list;
}

function quoteAt(text: string, at: number): '"' | "'" | undefined {
  const char = text[at];
  return char === '"' || char === "'" ? char : undefined;
}

function isBlank(char: string | undefined): boolean {
  return char !== undefined && /\s/.test(char);
}

function afterBlanks(text: string, start: number): number {
  const blanks = /\s*/y;
  blanks.lastIndex = start;
  return start + (blanks.exec(text)?.[0].length ?? 0);
}
