/**
 * Whether a text shows that it was decoded wrongly somewhere on its way: replacement characters, half a pair of
 * surrogates, controls, or *mojibake*, UTF-8 that was read as an encoding of one byte a character (`cafÃ©`).
 *
 * Mojibake is told by its bytes: characters that, written in that encoding, are UTF-8. As real texts have such pairs
 * too (`CAFÉ…`, `appelé « X »`), those of punctuation beside a letter don't count.
 */
export function isCleanText(text: string): boolean {
  if (isPrintableAscii(text)) return true;
  if (broken.test(text)) return false;
  return !asWindows1251.test(text) && !asMacRoman.test(text) && !hasWindows1252(text);
}

/** Replacement character, byte order mark, what is no character, half a pair, controls but tab and line ends. */
const broken = /[\uFFFD\uFEFF\uFFFE\uFFFF\p{Surrogate}]|(?![\t\n\r])\p{Control}/u;

/** Two Cyrillic letters or more of UTF-8 as windows-1251 shows them. */
const asWindows1251 = /(?:Р[Ѓђ‘’“”•–—™љ›њќћџ\u00A0ЎўЈ¤Ґ¦§Ё©Є«¬\u00AD®Ї°±Ііґµ¶·ё№є»јЅѕї]|С[ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏ‘]){2}/;

/** A Latin letter of UTF-8 as Mac OS Roman shows it. */
const asMacRoman = /√[ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†¢£§•¶ß®©™´¨ÆØ¥ªºæø]|[A-Za-z]√[±≠≤≥∞∂∑∏∫]/;

/** What windows-1252 has at 0x80 to 0x9F; five places are empty. */
const upper1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008DŽ\u008F\u0090‘’“”•–—˜™š›œ\u009DžŸ';
const byteOf = new Map([...upper1252].map((character, index) => [character, 0x80 + index]));

/** First bytes of the characters of two bytes that languages use: Latin, Greek, Cyrillic, Hebrew, Arabic. */
const leads = new Set([0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd7, 0xd8, 0xd9, 0xda, 0xdb]);

/** Marks that stand beside a letter in real texts. */
const marks = new Set('\u00A0…‘’“”‚„‹›«»–—•·¡¿™®©°§¶²³¹ªº');

function hasWindows1252(text: string): boolean {
  for (let at = 0; at < text.length - 1; at++) {
    const lead = text.charCodeAt(at);
    if (lead < 0xc2 || lead > 0xf4) continue;
    const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (isUtf8(text, at, length) && isStrange(text, at, length)) return true;
  }
  return false;
}

function isUtf8(text: string, at: number, length: number): boolean {
  const lead = text.charCodeAt(at);
  for (let i = 1; i < length; i++) {
    const character = text.charAt(at + i);
    const code = character === '' ? 0 : text.charCodeAt(at + i);
    const byte = code >= 0xa0 && code <= 0xff ? code : (byteOf.get(character) ?? 0);
    if (byte < 0x80 || byte > 0xbf) return false;
    // Longer than needed, halves of pairs, above the last character.
    if (i === 1 && ((lead === 0xe0 && byte < 0xa0) || (lead === 0xed && byte > 0x9f))) return false;
    if (i === 1 && ((lead === 0xf0 && byte < 0x90) || (lead === 0xf4 && byte > 0x8f))) return false;
  }
  return true;
}

/** Whether no one would write these characters one after the other. */
function isStrange(text: string, at: number, length: number): boolean {
  const lead = text.charCodeAt(at);
  const followers = text.slice(at + 1, at + length);
  if (length === 4) return true;
  const areMarks = [...followers].every((character) => marks.has(character));
  // The byte order mark is two marks.
  if (length === 3) return !areMarks || (lead === 0xef && followers === '»¿');
  if (!leads.has(lead)) return false;
  const before = text.charAt(at - 1);
  if (!areMarks || isLetter(text.charAt(at + length))) return true;
  // `AMANHÃ…` is a word in capitals before a mark; in `voilÃ ` the capital is in the wrong place.
  if (isLetter(before)) return before !== before.toUpperCase();
  return lead <= 0xc3;
}

function isLetter(character: string): boolean {
  return /^\p{L}$/u.test(character);
}

function isPrintableAscii(text: string): boolean {
  return /^[\t\n\r -~]*$/.test(text);
}
