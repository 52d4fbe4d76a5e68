/** A piece of a shell pattern: literal text, any one character, any number of characters, or one of a class. */
export type WildcardPart = string | typeof anyCharacter | typeof anyText | RegExp;

export const anyCharacter = Symbol('?');
export const anyText = Symbol('*');

/** Whether a whole text is what the parts describe, in time linear in the text for each part, whatever they are. */
export function matchesWildcard(parts: readonly WildcardPart[], text: string): boolean {
  let part = 0;
  let at = 0;
  // Where to go on when the text does not fit: behind the last `*`, one character later. Earlier ones need no second try.
  let retryPart = -1;
  let retryAt = 0;
  for (;;) {
    const wanted = parts[part];
    if (wanted === anyText) {
      retryPart = ++part;
      retryAt = at;
      if (part === parts.length) return true;
      continue;
    }
    const length = wanted === undefined ? -1 : lengthOf(wanted, text, at);
    if (length >= 0) {
      part++;
      at += length;
      continue;
    }
    if (wanted === undefined && at === text.length) return true;
    if (retryPart < 0 || retryAt >= text.length) return false;
    part = retryPart;
    retryAt = nextStart(parts, part, text, retryAt + widthAt(text, retryAt));
    if (retryAt < 0) return false;
    at = retryAt;
  }
}

/** How much of the text one part takes; negative where it does not fit. */
function lengthOf(part: Exclude<WildcardPart, typeof anyText>, text: string, at: number): number {
  if (typeof part === 'string') return text.startsWith(part, at) ? part.length : -1;
  if (at >= text.length) return -1;
  const width = widthAt(text, at);
  return part === anyCharacter || part.test(text.slice(at, at + width)) ? width : -1;
}

/** The next place that is worth a try: where the literal text behind a `*` stands, and at the end only its last place. */
function nextStart(parts: readonly WildcardPart[], part: number, text: string, from: number): number {
  const literal = parts[part];
  if (typeof literal !== 'string') return from;
  if (part === parts.length - 1) {
    const last = text.length - literal.length;
    return last >= from && text.endsWith(literal) ? last : -1;
  }
  return text.indexOf(literal, from);
}

function widthAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
