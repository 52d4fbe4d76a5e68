import { MlopsError } from '../../base/index.ts';

/** A rule as a tree. */
export type Rule =
  | { readonly kind: 'value'; readonly value: number | string | boolean }
  | { readonly kind: 'column'; readonly name: string }
  | { readonly kind: 'not' | 'minus'; readonly of: Rule }
  | { readonly kind: 'and' | 'or'; readonly left: Rule; readonly right: Rule }
  | { readonly kind: 'arithmetic'; readonly operator: Arithmetic; readonly left: Rule; readonly right: Rule }
  | { readonly kind: 'compare'; readonly operator: Comparison; readonly left: Rule; readonly right: Rule };

export type Arithmetic = '+' | '-' | '*' | '/';
export type Comparison = '<' | '<=' | '>' | '>=' | '==' | '!=';

interface Token {
  readonly kind: 'number' | 'text' | 'name' | 'column' | 'sign' | 'end';
  readonly text: string;
  /** From 1. */
  readonly at: number;
}

const longest = 10_000;
const deepest = 100;

/**
 * Reads a rule: columns, numbers, texts in quotes, `+ - * /`, comparisons (`0 < a <= b` too), `and or not`,
 * parentheses. A column whose name is no word stands in backticks.
 *
 * @throws MlopsError `usage` naming the place.
 */
export function parseRule(text: string): Rule {
  if (text.length > longest) throw wrong(text.slice(0, 40), `is longer than ${longest} characters`);
  const parser = new Parser(text);
  const rule = parser.either();
  parser.expectEnd();
  return rule;
}

/** The columns that a rule names, each once. */
export function columnsOf(rule: Rule): string[] {
  const found = new Set<string>();
  const visit = (node: Rule): void => {
    if (node.kind === 'column') found.add(node.name);
    else if ('of' in node) visit(node.of);
    else if ('left' in node) {
      visit(node.left);
      visit(node.right);
    }
  };
  visit(rule);
  return [...found];
}

function wrong(rule: string, what: string): MlopsError {
  return new MlopsError('usage', `the rule '${rule}' ${what}`, {
    hint: 'a rule has columns, numbers, texts in quotes, + - * /, comparisons, and, or, not, parentheses',
  });
}

const sign = /[-+*/()]|[<>=!]=?/y;
const number = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const name = /[\p{L}_][\p{L}\p{N}_.]*/uy;
const blank = /\s+/y;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  while (at < text.length) {
    const space = take(blank);
    if (space !== undefined) {
      at += space.length;
      continue;
    }
    const quote = text[at] ?? '';
    if (quote === '"' || quote === "'" || quote === '`') {
      const end = text.indexOf(quote, at + 1);
      if (end === -1) throw wrong(text, `opens ${quote} at ${at + 1} and does not close it`);
      tokens.push({ kind: quote === '`' ? 'column' : 'text', text: text.slice(at + 1, end), at: at + 1 });
      at = end + 1;
      continue;
    }
    const kinds = [
      ['number', number],
      ['name', name],
      ['sign', sign],
    ] as const;
    const [kind, found] = kinds.map(([one, pattern]) => [one, take(pattern)] as const).find((pair) => pair[1]) ?? [];
    if (kind === undefined || found === undefined) throw wrong(text, `has '${quote}' at ${at + 1}`);
    tokens.push({ kind, text: found, at: at + 1 });
    at += found.length;
  }
  tokens.push({ kind: 'end', text: '', at: text.length + 1 });
  return tokens;
}

const comparisons: Readonly<Record<string, Comparison>> = {
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
  '==': '==',
  '=': '==',
  '!=': '!=',
};

/** By recursive descent, from the loosest binding to the tightest, as in Python. */
class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokensOf(text);
  }

  get #token(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', text: '', at: this.#text.length + 1 };
  }

  #takes(kind: Token['kind'], ...texts: string[]): string | undefined {
    const token = this.#token;
    if (token.kind !== kind || !texts.includes(token.text)) return undefined;
    this.#next++;
    return token.text;
  }

  expectEnd(): void {
    if (this.#token.kind !== 'end') throw this.#unexpected();
  }

  #unexpected(): MlopsError {
    const { kind, text, at } = this.#token;
    return wrong(this.#text, kind === 'end' ? 'ends too early' : `has '${text}' at ${at} where none belongs`);
  }

  either(): Rule {
    let left = this.#both();
    while (this.#takes('name', 'or') !== undefined) left = { kind: 'or', left, right: this.#both() };
    return left;
  }

  #both(): Rule {
    let left = this.#not();
    while (this.#takes('name', 'and') !== undefined) left = { kind: 'and', left, right: this.#not() };
    return left;
  }

  #not(): Rule {
    if (this.#takes('name', 'not') === undefined) return this.#comparison();
    return this.#deeper(() => ({ kind: 'not', of: this.#not() }));
  }

  /** `a < b < c` is `a < b and b < c`. */
  #comparison(): Rule {
    let left = this.#sum();
    let whole: Rule | undefined;
    for (;;) {
      const given = this.#takes('sign', ...Object.keys(comparisons));
      const operator = given === undefined ? undefined : comparisons[given];
      if (operator === undefined) return whole ?? left;
      const right = this.#sum();
      const one: Rule = { kind: 'compare', operator, left, right };
      whole = whole === undefined ? one : { kind: 'and', left: whole, right: one };
      left = right;
    }
  }

  #sum(): Rule {
    let left = this.#product();
    for (;;) {
      const operator = this.#takes('sign', '+', '-');
      if (operator === undefined) return left;
      left = { kind: 'arithmetic', operator: operator as Arithmetic, left, right: this.#product() };
    }
  }

  #product(): Rule {
    let left = this.#signed();
    for (;;) {
      const operator = this.#takes('sign', '*', '/');
      if (operator === undefined) return left;
      left = { kind: 'arithmetic', operator: operator as Arithmetic, left, right: this.#signed() };
    }
  }

  #signed(): Rule {
    if (this.#takes('sign', '-') !== undefined) return this.#deeper(() => ({ kind: 'minus', of: this.#signed() }));
    if (this.#takes('sign', '+') !== undefined) return this.#deeper(() => this.#signed());
    return this.#operand();
  }

  #operand(): Rule {
    const { kind, text } = this.#token;
    if (this.#takes('sign', '(') !== undefined) {
      const inside = this.#deeper(() => this.either());
      if (this.#takes('sign', ')') === undefined) throw this.#unexpected();
      return inside;
    }
    if (kind === 'end' || kind === 'sign' || (kind === 'name' && ['and', 'or', 'not'].includes(text))) {
      throw this.#unexpected();
    }
    this.#next++;
    if (kind === 'number') return { kind: 'value', value: Number(text) };
    if (kind === 'text') return { kind: 'value', value: text };
    const isTruth = kind === 'name' && /^(?:true|false|True|False)$/.test(text);
    return isTruth ? { kind: 'value', value: text.toLowerCase() === 'true' } : { kind: 'column', name: text };
  }

  #deeper(inside: () => Rule): Rule {
    if (++this.#depth > deepest) throw wrong(this.#text.slice(0, 40), `is nested more than ${deepest} deep`);
    const rule = inside();
    this.#depth--;
    return rule;
  }
}
