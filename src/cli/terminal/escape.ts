/**
 * Stands for the escape character in what we style ourselves, until it is shown: any real one in a text is from
 * elsewhere (a name, a value, a message of Git or a server). Unicode keeps this character for a program's own use.
 */
export const styleMark = '\ufdd0';

/** All that moves the cursor, names windows or turns text around; line feeds and tabs stay, and CR before a line feed. */
// oxlint-disable-next-line no-control-regex
const controls = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|\r(?!\n)/g;

/** Control characters as Python's `repr` writes them: `\x1b`, `\r`, `\u202e`. */
export function escapeControls(text: string): string {
  return text.replace(controls, (character) => {
    if (character === '\r') return '\\r';
    const digits = character.charCodeAt(0).toString(16);
    return digits.length > 2 ? `\\u${digits.padStart(4, '0')}` : `\\x${digits.padStart(2, '0')}`;
  });
}

/** Styles of ours as a terminal takes them. */
export function withStyles(text: string): string {
  return text.includes(styleMark) ? text.replace(/\ufdd0(?=\[[\d;]{0,20}m)/g, '\u001b') : text;
}

/** A text as it is written: on a terminal nothing in it but our own styles controls the terminal. */
export function shown(text: string, isTerminal: boolean): string {
  return withStyles(isTerminal ? escapeControls(text) : text);
}
