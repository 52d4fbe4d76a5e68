import { MlopsError } from '../../base/index.ts';

export interface Selection {
  /** As the answer names it. */
  readonly alias: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** Empty for scalars. */
  readonly selections: readonly Selection[];
}

/** Bounds that ordinary queries of a page stay far below; without them one request could ask for the whole store. */
const limits = { characters: 20_000, depth: 12, fields: 1_000, roots: 10, aliases: 10 };

/**
 * Reads a query of the subset that MLflow's pages use: one operation with variables, aliases and fragments;
 * directives are skipped.
 *
 * @throws MlopsError `bad_request` for other documents and for those beyond the bounds.
 */
export function parseQuery(text: string, variables: Readonly<Record<string, unknown>>): readonly Selection[] {
  if (text.length > limits.characters) throw refused('the query is too long');
  const parser = new Parser(text, variables);
  const roots = parser.document();
  const most = (what: string, count: number): MlopsError =>
    new MlopsError('bad_request', `GraphQL queries should have at most ${limits.roots} ${what}, got ${count} ${what}.`);
  if (roots.length > limits.roots) throw most('root fields', roots.length);
  if (parser.aliases > limits.aliases) throw most('aliases', parser.aliases);
  return roots;
}

type Token = { readonly kind: 'name' | 'mark' | 'text' | 'number' | 'end'; readonly text: string };

class Parser {
  readonly #tokens: readonly Token[];
  readonly #variables: Record<string, unknown>;
  readonly #fragments = new Map<string, number>();
  #at = 0;
  #fields = 0;
  #aliases = 0;

  constructor(text: string, variables: Readonly<Record<string, unknown>>) {
    this.#tokens = tokenize(text);
    this.#variables = { ...variables };
  }

  get aliases(): number {
    return this.#aliases;
  }

  document(): readonly Selection[] {
    let operation: number | undefined;
    while (this.#peek().kind !== 'end') {
      if (this.#peek().text === 'fragment') {
        this.#next();
        const name = this.#name();
        this.#skipTo('{');
        this.#fragments.set(name, this.#at);
        this.#skipBlock();
        continue;
      }
      if (operation !== undefined) throw refused('one operation at a time');
      this.#header();
      operation = this.#at;
      this.#skipBlock();
    }
    if (operation === undefined) throw refused('there is no query');
    this.#at = operation;
    return this.#selections(0);
  }

  /** `query Name($a: Type = 1) @directive` up to the brace. */
  #header(): void {
    if (this.#peek().text === '{') return;
    // MLflow calls two of its searches mutations; nothing here changes anything.
    if (!['query', 'mutation'].includes(this.#next().text)) throw refused('only queries are answered');
    if (this.#peek().kind === 'name') this.#next();
    if (this.#peek().text === '(') {
      this.#next();
      while (this.#peek().text !== ')') {
        this.#expect('$');
        const name = this.#name();
        this.#expect(':');
        while (this.#peek().kind === 'name' || ['[', ']', '!'].includes(this.#peek().text)) this.#next();
        if (this.#peek().text === '=') {
          this.#next();
          const value = this.#value(0);
          this.#variables[name] ??= value;
        }
      }
      this.#next();
    }
    this.#skipTo('{');
  }

  #selections(depth: number): readonly Selection[] {
    if (depth > limits.depth) throw refused('the query is nested too deeply');
    this.#expect('{');
    const found: Selection[] = [];
    while (this.#peek().text !== '}') {
      if (this.#peek().text === '...') found.push(...this.#spread(depth));
      else found.push(this.#field(depth));
    }
    this.#next();
    return found;
  }

  #spread(depth: number): readonly Selection[] {
    this.#next();
    // Fragments that spread fragments multiply, also where they have no fields.
    if (++this.#fields > limits.fields) throw refused('the query has too many fields');
    if (this.#peek().text === 'on' || this.#peek().text === '{' || this.#peek().text === '@') {
      this.#skipTo('{');
      return this.#selections(depth + 1);
    }
    const start = this.#fragments.get(this.#name());
    if (start === undefined) throw refused('an unknown fragment');
    const back = this.#at;
    this.#at = start;
    const found = this.#selections(depth + 1);
    this.#at = back;
    return found;
  }

  #field(depth: number): Selection {
    if (++this.#fields > limits.fields) throw refused('the query has too many fields');
    let name = this.#name();
    const alias = name;
    if (this.#peek().text === ':') {
      this.#next();
      name = this.#name();
      this.#aliases++;
    }
    const args = this.#peek().text === '(' ? this.#arguments() : {};
    while (this.#peek().text === '@') {
      this.#next();
      this.#name();
      if (this.#peek().text === '(') this.#arguments();
    }
    const selections = this.#peek().text === '{' ? this.#selections(depth + 1) : [];
    return { alias, name, args, selections };
  }

  #arguments(): Readonly<Record<string, unknown>> {
    this.#next();
    const found: Record<string, unknown> = {};
    while (this.#peek().text !== ')') {
      const name = this.#name();
      this.#expect(':');
      found[name] = this.#value(0);
    }
    this.#next();
    return found;
  }

  #value(depth: number): unknown {
    if (depth > limits.depth) throw refused('a value is nested too deeply');
    const token = this.#next();
    if (token.kind === 'text') return token.text;
    if (token.kind === 'number') return Number(token.text);
    if (token.text === '$') return this.#variables[this.#name()];
    if (token.text === '[') {
      const list: unknown[] = [];
      while (this.#peek().text !== ']') list.push(this.#value(depth + 1));
      this.#next();
      return list;
    }
    if (token.text === '{') {
      const fields: Record<string, unknown> = {};
      while (this.#peek().text !== '}') {
        const name = this.#name();
        this.#expect(':');
        fields[name] = this.#value(depth + 1);
      }
      this.#next();
      return fields;
    }
    if (token.kind !== 'name') throw refused(`unexpected '${token.text}'`);
    return token.text === 'true' ? true : token.text === 'false' ? false : token.text === 'null' ? null : token.text;
  }

  #skipBlock(): void {
    let open = 0;
    do {
      const token = this.#next();
      if (token.kind === 'end') throw refused('a brace is not closed');
      if (token.kind === 'mark' && token.text === '{') open++;
      if (token.kind === 'mark' && token.text === '}') open--;
    } while (open > 0);
  }

  #skipTo(mark: string): void {
    while (this.#peek().text !== mark) if (this.#next().kind === 'end') throw refused(`no '${mark}'`);
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? end;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #name(): string {
    const token = this.#next();
    if (token.kind !== 'name') throw refused(`unexpected '${token.text}'`);
    return token.text;
  }

  #expect(mark: string): void {
    const token = this.#next();
    if (token.kind !== 'mark' || token.text !== mark) throw refused(`'${mark}' expected`);
  }
}

const end: Token = { kind: 'end', text: '' };

function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const pattern =
    /[\s,\ufeff]+|#[^\n]*|([A-Za-z_]\w*)|(\.\.\.|[{}()[\]:=!$@|&])|("(?:[^"\\\n]|\\.)*")|(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)/gy;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (match === null) throw refused('a character that no query has');
    const [, name, mark, quoted, number] = match;
    if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else if (mark !== undefined) tokens.push({ kind: 'mark', text: mark });
    else if (quoted !== undefined) tokens.push({ kind: 'text', text: unquote(quoted) });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number });
  }
  return tokens;
}

function unquote(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    throw refused('a text that is not closed well');
  }
}

function refused(why: string): MlopsError {
  return new MlopsError('bad_request', `Invalid GraphQL query: ${why}`);
}
