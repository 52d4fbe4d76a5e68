import { invalid } from './limits.ts';
import { identifier, searchLimits, type SearchRules } from './search-grammar.ts';
import type { OrderTerm } from './search-types.ts';

/** Reads `<identifier> [ASC|DESC]` terms; the same key twice is an error. */
export function parseOrderBy(terms: readonly string[] | undefined, rules: SearchRules): OrderTerm[] {
  checkOrderSize(terms ?? []);
  const parsed = (terms ?? []).map((term) => orderTerm(term, rules));
  const seen = new Set<string>();
  return parsed.filter(({ entity, key }) => {
    const id = `${entity}.${key}`;
    if (!seen.has(id)) return seen.add(id);
    if (rules.orderTwice === true) return false;
    throw invalid('`order_by` contains duplicate fields: [' + terms?.join(', ') + ']');
  });
}

/** @throws MlopsError `invalid_value` for more or longer terms than a search takes. */
export function checkOrderSize(terms: readonly string[]): void {
  const { orderTerms, orderLength } = searchLimits;
  if (terms.length <= orderTerms && terms.every((term) => term.length <= orderLength)) return;
  throw invalid(`Invalid order_by: at most ${orderTerms} clauses of at most ${orderLength} characters are read.`);
}

function orderTerm(term: string, rules: SearchRules): OrderTerm {
  const match = /^\s*((?:[^\s`"]+\.)?(?:`[^`]*`|"[^"]*")|[^\s`"'.]+\.'[^']*'|[^\s,']+)(?:\s+(asc|desc))?\s*$/is.exec(
    term,
  );
  if (match === null) {
    if (/^\s*\S+\s+\S+\s*$/s.test(term)) throw invalid(`Invalid ordering key in order_by clause '${term}'.`);
    throw invalid(`Invalid order_by clause '${term}'. Could not be parsed.`);
  }
  const { entity, key } = identifier(match[1] ?? '', rules);
  if (entity === 'attribute') checkOrderKey(key, rules);
  else if (rules.terse === true) throw invalid(`Invalid order_by entity: ${entity}`);
  else if (!(rules.orderEntities ?? ['metric', 'param', 'tag']).includes(entity)) {
    throw invalid(`Invalid identifier type '${entity}'`);
  }
  return { entity, key, ascending: match[2]?.toLowerCase() !== 'desc' };
}

function checkOrderKey(key: string, { orderable }: SearchRules): void {
  if (orderable === undefined || orderable.includes(key)) return;
  const valid = orderable.map((name) => `'${name}'`).join(', ');
  throw invalid(`Invalid order by key '${key}' specified. Valid keys are '{${valid}}'`);
}
