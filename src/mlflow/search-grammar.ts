import { invalid } from './limits.ts';
import { tokenize, type Token } from './search-tokens.ts';
import type { Clause, Comparator, Entity, OrderTerm } from './search-types.ts';

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
}

const numeric: readonly Comparator[] = ['=', '!=', '>', '>=', '<', '<='];
const textual: readonly Comparator[] = ['=', '!=', 'LIKE', 'ILIKE'];

/**
 * Reads a filter: `clause (AND clause)*`, clause = identifier comparator value.
 *
 * @throws MlopsError `invalid_value` in MLflow's words.
 */
export function parseFilter(filter: string | undefined, rules: SearchRules): Clause[] {
  if (filter === undefined || filter.trim() === '') return [];
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
    position = next;
  }
  return clauses;
}

function clauseAt(tokens: readonly Token[], start: number, rules: SearchRules): { clause: Clause; next: number } {
  const name = tokens[start];
  if (name === undefined || name.kind !== 'word') throw badClause(tokens.slice(start));
  const { comparator, next } = comparatorAt(tokens, start + 1);
  if (comparator === undefined) throw badClause(tokens.slice(start, start + 1));
  const { entity, key } = identifier(name.text, rules);
  if (comparator === 'IS NULL' || comparator === 'IS NOT NULL') {
    checkComparator(entity, key, comparator, rules);
    return { clause: { entity, key, comparator, value: null }, next };
  }
  const token = tokens[next];
  if (token === undefined) throw badClause(tokens.slice(start));
  checkComparator(entity, key, comparator, rules);
  return { clause: { entity, key, comparator, value: valueOf(token, entity, key, comparator, rules) }, next: next + 1 };
}

function comparatorAt(tokens: readonly Token[], at: number): { comparator: Comparator | undefined; next: number } {
  const token = tokens[at];
  if (token?.kind === 'operator') return { comparator: token.text as Comparator, next: at + 1 };
  if (isWord(token, 'like')) return { comparator: 'LIKE', next: at + 1 };
  if (isWord(token, 'ilike')) return { comparator: 'ILIKE', next: at + 1 };
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

function badClause(tokens: readonly Token[]): Error {
  const text = tokens.map((token) => ('source' in token ? token.source : token.text)).join(' ');
  return invalid(`Invalid clause(s) in filter string: '${text}'`);
}

function identifier(text: string, rules: SearchRules): { entity: Entity; key: string } {
  const whole = /^([`"])(.*)\1$/s.exec(text)?.[2];
  const dot = whole === undefined ? text.indexOf('.') : -1;
  if (dot === -1) return attribute(whole ?? text, rules);
  const namespace = text.slice(0, dot);
  const key = text.slice(dot + 1).replace(/^([`"])(.*)\1$/s, '$2');
  const entity = rules.namespaces[namespace];
  if (entity === undefined) {
    const valid = [...new Set(Object.values(rules.namespaces))].map((name) =>
      name === 'param' ? `'parameter'` : `'${name}'`,
    );
    throw invalid(`Invalid entity type '${namespace}'. Valid values are [${valid.join(', ')}]`);
  }
  if (entity === 'attribute') return attribute(key, rules);
  if (entity === 'dataset' && !['name', 'digest', 'context'].includes(key)) {
    throw invalid(`Invalid attribute key '${key}' specified. Valid keys are '{'name', 'digest', 'context'}'`);
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
    const valid = Object.keys(rules.attributes)
      .map((name) => `'${name}'`)
      .join(', ');
    throw invalid(`Invalid attribute key '${written}' specified. Valid keys are '{${valid}}'`);
  }
  return { entity: 'attribute', key };
}

function checkComparator(entity: Entity, key: string, comparator: Comparator, rules: SearchRules): void {
  const isNull = comparator === 'IS NULL' || comparator === 'IS NOT NULL';
  const isAssessment = entity === 'feedback' || entity === 'expectation';
  if (isNull && entity !== 'tag' && entity !== 'param' && !isAssessment) {
    throw invalid(`IS NULL / IS NOT NULL is only supported for tags and params, not for '${entity}' '${key}'`);
  }
  if (isNull) return;
  const type = entity === 'metric' ? 'number' : entity === 'attribute' ? rules.attributes[key] : undefined;
  if (comparator === 'IN' || comparator === 'NOT IN') {
    if (type === 'id' || entity === 'dataset' || entity === 'span') return;
    const ids = Object.keys(rules.attributes).filter((name) => rules.attributes[name] === 'id');
    throw invalid(
      `Only [${ids.map((id) => `'${id}'`).join(', ')}] attributes support comparison with a list of quoted string values.`,
    );
  }
  const allowed = type === 'number' ? numeric : isAssessment ? [...numeric, ...textual] : textual;
  if (!allowed.includes(comparator)) {
    throw invalid(`Invalid comparator '${comparator}' not one of '{${allowed.map((c) => `'${c}'`).join(', ')}}'`);
  }
}

function valueOf(
  token: Token,
  entity: Entity,
  key: string,
  comparator: Comparator,
  rules: SearchRules,
): number | string | readonly string[] {
  if (comparator === 'IN' || comparator === 'NOT IN') {
    if (token.kind === 'list') return token.items;
    throw invalid(`Expected a list of quoted strings for ${nameOf(entity)} '${key}'. Got value ${textOf(token)}`);
  }
  if (entity === 'metric' || (entity === 'attribute' && rules.attributes[key] === 'number')) {
    if (token.kind === 'number') return Number(token.text);
    // MLflow's clients write a version as text.
    if (key === 'version_number' && token.kind === 'string' && /^\d+$/.test(token.text)) return Number(token.text);
    throw invalid(
      `Expected numeric value type for ${entity === 'metric' ? 'metric' : `numeric attribute: ${key}`}. Found ${textOf(token)}`,
    );
  }
  const isAssessment = entity === 'feedback' || entity === 'expectation';
  if (token.kind === 'number' && isAssessment) return Number(token.text);
  if (token.kind === 'string') return token.text;
  throw invalid(`Expected a quoted string value for ${nameOf(entity)} (e.g. 'my-value'). Got value ${textOf(token)}`);
}

function nameOf(entity: Entity): string {
  return entity === 'param' ? 'parameter' : entity;
}

function textOf(token: Token): string {
  return 'source' in token ? token.source : token.text;
}

/** Reads `<identifier> [ASC|DESC]` terms; the same key twice is an error. */
export function parseOrderBy(terms: readonly string[] | undefined, rules: SearchRules): OrderTerm[] {
  const parsed = (terms ?? []).map((term) => orderTerm(term, rules));
  const seen = new Set<string>();
  for (const { entity, key } of parsed) {
    const id = `${entity}.${key}`;
    if (seen.has(id)) throw invalid('`order_by` contains duplicate fields: [' + terms?.join(', ') + ']');
    seen.add(id);
  }
  return parsed;
}

function orderTerm(term: string, rules: SearchRules): OrderTerm {
  const match = /^\s*((?:[^\s`"]+\.)?(?:`[^`]*`|"[^"]*")|\S+)(?:\s+(asc|desc))?\s*$/is.exec(term);
  if (match === null) {
    if (/^\s*\S+\s+\S+\s*$/s.test(term)) throw invalid(`Invalid ordering key in order_by clause '${term}'.`);
    throw invalid(`Invalid order_by clause '${term}'. Could not be parsed.`);
  }
  const { entity, key } = identifier(match[1] ?? '', rules);
  const sortable =
    entity === 'attribute'
      ? (rules.orderable?.includes(key) ?? true)
      : entity === 'metric' || entity === 'param' || entity === 'tag';
  if (!sortable) {
    throw invalid(
      `Invalid order_by key '${match[1]}' specified. Valid keys are ${JSON.stringify(rules.orderable ?? [])}`,
    );
  }
  return { entity, key, ascending: match[2]?.toLowerCase() !== 'desc' };
}
