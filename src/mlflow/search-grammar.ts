import { didYouMean, MlopsError } from '../base/index.ts';
import { invalid } from './limits.ts';
import { tokenize, type Token } from './search-tokens.ts';
import type { Clause, Comparator, Entity } from './search-types.ts';

type FieldType = 'text' | 'number' | 'id';

/** What may be searched in one kind of thing. */
export interface SearchRules {
  /** Written namespace to entity: `metrics` to metric. */
  readonly namespaces: Readonly<Record<string, Entity>>;
  /** Attribute names; `id` is text that also takes IN. */
  readonly attributes: Readonly<Record<string, FieldType>>;
  /** Written attribute to its name: `Run Name` to run_name. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Attributes that `order_by` takes, when not all of them. */
  readonly orderable?: readonly string[];
  /** Entities that `order_by` takes besides attributes. */
  readonly orderEntities?: readonly Entity[];
  /** Whether one field may come twice in `order_by`: the first counts. */
  readonly orderTwice?: boolean;
  /** True where MLflow's server names namespaces, comparators and clauses in its shorter way. */
  readonly terse?: boolean;
  /** True where text may be written without quotes, and params and tags may be compared with lists. */
  readonly loose?: boolean;
  /** True where texts are also compared by RLIKE, and numbers may stand in quotes. */
  readonly traces?: boolean;
}

/** What a search may ask for; SQLite takes no statement that is much larger, and nobody writes one by hand. */
export const searchLimits = {
  filterLength: 500_000,
  clauses: 200,
  orderTerms: 50,
  orderLength: 10_000,
  datasets: 100,
  pattern: 10_000,
} as const;

const numeric: readonly Comparator[] = ['=', '!=', '>', '>=', '<', '<='];
const textual: readonly Comparator[] = ['=', '!=', 'LIKE', 'ILIKE'];
const nulls: readonly Comparator[] = ['IS NULL', 'IS NOT NULL'];
const lists: readonly Comparator[] = ['IN', 'NOT IN'];

/**
 * Reads a filter: `clause (AND clause)*`, clause = identifier comparator value.
 *
 * @throws MlopsError `invalid_value` in MLflow's words.
 */
export function parseFilter(filter: string | undefined, rules: SearchRules): Clause[] {
  if (filter === undefined || filter === '') return [];
  if (filter.length > searchLimits.filterLength) {
    throw invalid(`Invalid filter: it has ${filter.length} characters, at most ${searchLimits.filterLength} are read.`);
  }
  if (filter.trim() === '') throw invalid(`Invalid filter '${filter}'. Could not be parsed.`);
  const tokens = tokenize(filter);
  const clauses: Clause[] = [];
  let position = 0;
  while (position < tokens.length) {
    // MLflow reads past an AND too many, at either end.
    if (isWord(tokens[position], 'and')) {
      position++;
      continue;
    }
    const { clause, next } = clauseAt(tokens, position, rules);
    clauses.push(clause);
    if (clauses.length > searchLimits.clauses) {
      throw invalid(`Invalid filter: it has more than ${searchLimits.clauses} clauses.`);
    }
    position = next;
  }
  return clauses;
}

/**
 * A text as a value of a filter. MLflow's grammar has no way to write both kinds of quotes in one text; a doubled
 * quote, which our stores read, is what is left then.
 */
export function filterText(text: string): string {
  return text.includes("'") && !text.includes('"') ? `"${text}"` : `'${text.replaceAll("'", "''")}'`;
}

function clauseAt(tokens: readonly Token[], start: number, rules: SearchRules): { clause: Clause; next: number } {
  const name = tokens[start];
  if (name === undefined || name.kind !== 'word') throw badClause(tokens.slice(start), rules);
  const { comparator, next } = comparatorAt(tokens, start + 1);
  if (comparator === undefined) throw badClause(tokens.slice(start, start + 1), rules);
  const { entity, key } = identifier(name.text, rules);
  if (nulls.includes(comparator)) {
    checkNull(entity, key, rules);
    return { clause: { entity, key, comparator, value: null }, next };
  }
  const token = tokens[next];
  if (token === undefined) throw badClause(tokens.slice(start), rules);
  if (lists.includes(comparator) && token.kind !== 'list') throw badClause(tokens.slice(start, next + 1), rules);
  const value = valueOf(token, entity, key, rules);
  checkComparator(entity, key, comparator, rules);
  if (typeof value === 'string' && comparator.endsWith('LIKE') && value.length > searchLimits.pattern) {
    throw invalid(`Invalid pattern: ${comparator} takes at most ${searchLimits.pattern} characters.`);
  }
  if (Array.isArray(value) !== lists.includes(comparator)) throw notText(token, entity, rules);
  return { clause: { entity, key, comparator, value }, next: next + 1 };
}

function comparatorAt(tokens: readonly Token[], at: number): { comparator: Comparator | undefined; next: number } {
  const token = tokens[at];
  if (token?.kind === 'operator') return { comparator: token.text as Comparator, next: at + 1 };
  if (isWord(token, 'like')) return { comparator: 'LIKE', next: at + 1 };
  if (isWord(token, 'ilike')) return { comparator: 'ILIKE', next: at + 1 };
  if (isWord(token, 'rlike')) return { comparator: 'RLIKE', next: at + 1 };
  if (isWord(token, 'in')) return { comparator: 'IN', next: at + 1 };
  if (isWord(token, 'not') && isWord(tokens[at + 1], 'in')) return { comparator: 'NOT IN', next: at + 2 };
  if (isWord(token, 'is') && isWord(tokens[at + 1], 'null')) return { comparator: 'IS NULL', next: at + 2 };
  if (isWord(token, 'is') && isWord(tokens[at + 1], 'not') && isWord(tokens[at + 2], 'null')) {
    return { comparator: 'IS NOT NULL', next: at + 3 };
  }
  return { comparator: undefined, next: at };
}

function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.text.toLowerCase() === word;
}

function badClause(tokens: readonly Token[], rules: SearchRules): Error {
  const quote = rules.terse === true ? '' : "'";
  const text = tokens.map((token) => `${quote}${textOf(token)}${quote}`).join(', ');
  return invalid(`Invalid clause(s) in filter string: ${text}`);
}

/** What an identifier names: `metrics.a`, `tags."a b"`, an attribute. */
export function identifier(text: string, rules: SearchRules): { entity: Entity; key: string } {
  const whole = /^([`"])(.*)\1$/s.exec(text)?.[2];
  const dot = whole === undefined ? text.indexOf('.') : -1;
  if (dot === -1) return attribute(whole ?? text, rules);
  const namespace = text.slice(0, dot);
  const key = text.slice(dot + 1).replace(/^([`"'])(.*)\1$/s, '$2');
  const entity = rules.namespaces[namespace];
  if (entity === undefined) {
    const valid = [...new Set(Object.values(rules.namespaces))].map((name) => `'${nameOf(name)}'`).join(', ');
    const list = rules.terse === true ? `entity types are ('attribute', 'tag', 'tags')` : `values are [${valid}]`;
    throw invalid(`Invalid entity type '${namespace}'. Valid ${list}`);
  }
  if (entity === 'attribute') return attribute(key, rules);
  if (entity === 'dataset' && !['name', 'digest', 'context'].includes(key)) {
    throw invalid(`Invalid dataset key '${key}' specified. Valid keys are '{'name', 'digest', 'context'}'`);
  }
  if (entity === 'span' && !/^(?:name|type|status|content|attributes\..+)$/s.test(key)) {
    throw invalid(
      `Invalid span attribute '${key}'. Supported attributes: name, type, status, content, attributes.<name>.`,
    );
  }
  return { entity, key };
}

function attribute(written: string, rules: SearchRules): { entity: 'attribute'; key: string } {
  const key = rules.aliases?.[written] ?? written;
  if (rules.attributes[key] === undefined) {
    const valid = [...Object.keys(rules.attributes), ...Object.keys(rules.aliases ?? {})]
      .map((name) => `'${name}'`)
      .join(', ');
    throw new MlopsError('invalid_value', `Invalid attribute key '${written}' specified. Valid keys are '{${valid}}'`, {
      hint:
        didYouMean(written, Object.keys(rules.attributes)) ??
        `did you mean metrics.${written}, params.${written} or tags.${written}?`,
    });
  }
  return { entity: 'attribute', key };
}

function checkNull(entity: Entity, key: string, rules: SearchRules): void {
  if (entity === 'tag' || entity === 'param' || isAssessment(entity)) return;
  const fits =
    rules.terse === true ? `tags, not for ${entity} '${key}'` : `tags and params, not for '${entity}' '${key}'`;
  throw invalid(`IS NULL / IS NOT NULL is only supported for ${fits}`);
}

function isAssessment(entity: Entity): boolean {
  return entity === 'feedback' || entity === 'expectation';
}

/** MLflow reads the value before it looks at the comparator, and its refusals come in that order. */
function checkComparator(entity: Entity, key: string, comparator: Comparator, rules: SearchRules): void {
  const allowed = comparatorsOf(entity, key, rules);
  if (allowed.includes(comparator)) return;
  if (rules.terse === true && (entity === 'tag' || rules.attributes[key] !== 'number')) {
    throw invalid(`Invalid comparator for ${key === 'experiment_id' ? key : entity}: ${comparator}`);
  }
  throw invalid(`Invalid comparator '${comparator}' not one of '{${allowed.map((c) => `'${c}'`).join(', ')}}'`);
}

function comparatorsOf(entity: Entity, key: string, rules: SearchRules): readonly Comparator[] {
  const texts: readonly Comparator[] = rules.traces === true ? [...textual, 'RLIKE'] : textual;
  if (entity === 'metric') return numeric;
  if (entity === 'param' || entity === 'tag') return [...texts, ...nulls, ...(rules.loose === true ? lists : [])];
  if (isAssessment(entity)) return [...numeric, ...texts, ...nulls];
  if (entity === 'span') return key === 'content' ? ['LIKE', 'ILIKE'] : [...texts, ...lists];
  if (entity === 'attribute' && rules.attributes[key] === 'number') return numeric;
  if (entity === 'attribute' && key === 'text') return ['LIKE', 'ILIKE'];
  if (entity === 'attribute' && key === 'prompt') return ['='];
  return [...texts, ...lists];
}

function valueOf(token: Token, entity: Entity, key: string, rules: SearchRules): number | string | readonly string[] {
  const type = entity === 'attribute' ? rules.attributes[key] : undefined;
  if (entity === 'metric' || type === 'number') {
    if (token.kind === 'number') return Number(token.text);
    // MLflow's clients write a version as text.
    const quoted = key === 'version_number' || rules.traces === true;
    if (quoted && token.kind === 'string' && /^\s*-?\d+(?:\.\d+)?\s*$/.test(token.text)) return Number(token.text);
    const what = entity === 'metric' ? 'metric' : `numeric attribute: ${key}`;
    throw invalid(`Expected numeric value type for ${what}. Found ${textOf(token)}`);
  }
  if (token.kind === 'string') return token.text;
  if (token.kind === 'number' && isAssessment(entity)) return Number(token.text);
  if (rules.loose === true && (token.kind === 'number' || token.kind === 'word')) return token.text;
  if (token.kind === 'list') {
    if (entity === 'dataset' || entity === 'span' || type === 'id' || rules.loose === true) return listOf(token);
    if (type !== undefined) {
      const ids = Object.keys(rules.attributes).filter((name) => rules.attributes[name] === 'id');
      const names = ids.map((id) => `'${id}'`).join(', ');
      throw invalid(`Only [${names}] attributes support comparison with a list of quoted string values.`);
    }
  }
  throw notText(token, entity, rules);
}

function listOf(token: Token & { readonly kind: 'list' }): readonly string[] {
  if (token.items.length > 0 && !token.odd) return token.items;
  const problem = token.odd
    ? `expected string value, punctuation, or whitespace, but got different type in list: ${token.source}`
    : 'expected a non-empty list of string values, but got empty list';
  throw invalid(`While parsing a list in the query, ${problem}`);
}

function notText(token: Token, entity: Entity, rules: SearchRules): Error {
  if (token.kind === 'word' && !/^(?:null|true|false)$/i.test(token.text)) {
    return invalid(
      `Parameter value is either not quoted or unidentified quote types used for string value ${token.text}. Use either single or double quotes.`,
    );
  }
  const got = `Got value ${textOf(token)}`;
  if (entity === 'attribute') {
    const either = rules.terse === true && rules.attributes['experiment_id'] === undefined;
    return invalid(
      `Expected a quoted string value ${either ? 'or a list of quoted string values ' : ''}for attributes. ${got}`,
    );
  }
  if (entity === 'dataset') return invalid(`Expected a quoted string value for dataset attributes. ${got}`);
  return invalid(`Expected a quoted string value for ${nameOf(entity)} (e.g. 'my-value'). ${got}`);
}

function nameOf(entity: Entity): string {
  return entity === 'param' ? 'parameter' : entity;
}

function textOf(token: Token): string {
  return 'source' in token ? token.source : token.text;
}
