import { anyCharacter, anyText, matchesWildcard, MlopsError, type WildcardPart } from '../../base/index.ts';

/** Tells whether a text fits a pattern. */
export interface Pattern {
  test(text: string): boolean;
}

/** Far more than anyone writes: what a pattern costs grows with its length and that of the text. */
const maxLength = 1000;

/**
 * Python's fnmatch: `*`, `?`, `[a-z]`, `[!a]`.
 *
 * @throws MlopsError `bad_params` for a pattern of more than 1000 characters.
 */
export function globPattern(glob: string): Pattern {
  if (!/[*?[]/.test(glob)) return { test: (text) => text === glob };
  if (glob.length > maxLength) {
    throw new MlopsError('bad_params', `a pattern has ${glob.length} characters: '${glob.slice(0, 40)}...'`, {
      hint: `at most ${maxLength} are taken`,
    });
  }
  const parts = partsOf(glob);
  return { test: (text) => matchesWildcard(parts, text) };
}

function partsOf(glob: string): WildcardPart[] {
  const parts: WildcardPart[] = [];
  for (let at = 0; at < glob.length;) {
    const character = glob[at] ?? '';
    const end = character === '[' ? classEnd(glob, at) : -1;
    if (character === '*') {
      if (parts.at(-1) !== anyText) parts.push(anyText);
    } else if (character === '?') parts.push(anyCharacter);
    else if (end > 0) parts.push(classOf(glob.slice(at + 1, end)));
    else {
      const before = parts.at(-1);
      if (typeof before === 'string') parts[parts.length - 1] = before + character;
      else parts.push(character);
    }
    at = end > 0 ? end + 1 : at + 1;
  }
  return parts;
}

function classEnd(glob: string, start: number): number {
  let at = start + 1;
  if (glob[at] === '!') at++;
  if (glob[at] === ']') at++;
  return glob.indexOf(']', at);
}

function classOf(inside: string): RegExp {
  const negated = inside.startsWith('!');
  const members = (negated ? inside.slice(1) : inside).replace(/[\\[\]^]/g, String.raw`\$&`);
  try {
    return new RegExp(`^[${negated ? '^' : ''}${members}]$`, 'su');
  } catch {
    // A range that ends before it begins has nobody in it.
    return negated ? /^/ : /^(?!)/;
  }
}
