import type { LineCounter, YAMLError } from 'yaml';

import type { YamlProblem } from './error.ts';
import { yamlPackage } from './package.ts';

/** Says a syntax error of the parser as ruamel.yaml says it, with the place of what it stands in where ruamel has it. */
export function remarksOn(error: YAMLError, text: string, lines: LineCounter): YamlProblem[] {
  const [start] = error.pos;
  const at = (offset: number): YamlProblem['position'] => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const cannotStart = (offset: number): YamlProblem[] => [
    { message: `found character '${shown(text[offset] ?? '')}' that cannot start any token`, position: at(offset) },
  ];
  switch (error.code) {
    case 'TAB_AS_INDENT':
    case 'BAD_SCALAR_START':
      return cannotStart(start);
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY': {
      const colon = text.slice(start).search(/:(\s|$)/);
      return [{ message: 'mapping values are not allowed here', position: at(start + Math.max(0, colon)) }];
    }
    case 'MISSING_CHAR':
    case 'UNEXPECTED_TOKEN': {
      const opened = openBracket(text, start);
      if (opened === undefined || !'[{'.includes(text[start] ?? ' ')) break;
      const kind = text[opened] === '[' ? ['sequence', ']'] : ['mapping', '}'];
      return [
        { message: `while parsing a flow ${kind[0]}`, position: at(opened) },
        { message: `expected ',' or '${kind[1]}', but got '${text[start]}'`, position: at(start) },
      ];
    }
    default:
  }
  return [{ message: error.message.replace(/\.$/, ''), position: at(start) }];
}

/** Where a tab stands between tokens, which ruamel allows nowhere, undefined where there is none. */
export function strayTab(text: string): number | undefined {
  if (!text.includes('\t')) return undefined;
  const { Lexer } = yamlPackage();
  let offset = 0;
  for (const token of new Lexer().lex(text)) {
    // Marks that the lexer adds stand for no text.
    if (token === '\u0002' || token === '\u0018' || token === '\u001f') continue;
    const tab = /^[ \t]+$/.test(token) ? token.indexOf('\t') : -1;
    if (tab >= 0) return offset + tab;
    offset += token.length;
  }
  return undefined;
}

const unprintable = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/** The first character that YAML does not allow in a text, and its place counted in characters. */
export function unprintableCharacter(text: string): { readonly code: number; readonly index: number } | undefined {
  const match = unprintable.exec(text);
  const code = match?.[0].codePointAt(0);
  if (match === null || code === undefined) return undefined;
  return { code, index: Array.from(text.slice(0, match.index)).length };
}

function openBracket(text: string, from: number): number | undefined {
  let depth = 0;
  for (let index = from - 1; index >= 0; index--) {
    const character = text[index] ?? '';
    if (character === ']' || character === '}') depth++;
    else if (character === '[' || character === '{') {
      if (depth === 0) return index;
      depth--;
    }
  }
  return undefined;
}

function shown(character: string): string {
  return character === '\t' ? '\\t' : character;
}
