import { invalid, type Clause } from '../../../mlflow/index.ts';
import { comparison } from './simple-search.ts';
import { allOf, either, raw, sql, type Sql } from '../sql.ts';

/** A value inside of a JSON text, as text. */
function inside(column: string, ...path: readonly string[]): Sql {
  return either(raw(`${column} ->> '$.${path.join('.')}'`), raw(`(${column}::json #>> '{${path.join(',')}}')`));
}

/** A value inside of a JSON text, as JSON. */
function jsonInside(column: string, ...path: readonly string[]): Sql {
  return either(raw(`${column} -> '$.${path.join('.')}'`), raw(`(${column}::json #> '{${path.join(',')}}')::text`));
}

/** Parts of a span in protobuf's JSON form, `s.body`; the status is a number or a name there. */
const spanParts: Readonly<Record<string, Sql>> = {
  name: inside('s.body', 'name'),
  status: sql`CASE ${inside('s.body', 'status', 'code')} WHEN ${either(raw('1'), raw("'1'"))} THEN 'OK'
    WHEN 'STATUS_CODE_OK' THEN 'OK' WHEN ${either(raw('2'), raw("'2'"))} THEN 'ERROR'
    WHEN 'STATUS_CODE_ERROR' THEN 'ERROR' ELSE 'UNSET' END`,
  content: raw(searchable()),
};

/** The names of OTLP's own wrapping are no content. */
function searchable(): string {
  const wrapping = ['key', 'value', 'values', 'string_value', 'int_value', 'double_value', 'bool_value'];
  const names = [...wrapping, 'array_value', 'kvlist_value', 'bytes_value'];
  return names.reduce((text, name) => `replace(${text}, '"${name}":', '')`, 's.body');
}

/** The clauses on spans as one condition: a single span fits them all. */
export function spanConditions(clauses: readonly Clause[]): Sql | undefined {
  const own = clauses.flatMap((clause) => spanKey(clause) ?? []);
  if (own.length === 0) return undefined;
  const tests = own.map(([key, clause]) => spanCondition(key, clause));
  return sql`EXISTS (SELECT 1 FROM trace_spans s WHERE s.trace = t.n AND ${allOf(tests)})`;
}

/** Text search of a trace is a search of its spans. */
function spanKey(clause: Clause): [[key: string, clause: Clause]] | undefined {
  if (clause.entity === 'span') return [[clause.key, clause]];
  return clause.entity === 'attribute' && clause.key === 'text' ? [['content', clause]] : undefined;
}

/** Filters of traces by assessments and prompts: some assessment of the name, some prompt, fits. */
export function traceCondition(clause: Clause): Sql | 'said' | undefined {
  const { entity, key } = clause;
  if (spanKey(clause) !== undefined) return 'said';
  if (entity === 'attribute' && key === 'prompt') return promptCondition(clause);
  if (entity === 'attribute' && key === 'run_id') return runCondition(clause);
  if (entity === 'feedback' || entity === 'expectation') return assessmentCondition(entity, clause);
  return undefined;
}

/** The run that made a trace, or one that it was linked to. */
function runCondition(clause: Clause): Sql {
  const made = sql`EXISTS (SELECT 1 FROM trace_metadata x WHERE x.trace = t.n AND x.key = 'mlflow.sourceRun'
    AND ${comparison(raw('x.value'), clause)})`;
  if (clause.comparator === '!=' || clause.comparator === 'NOT IN') return made;
  return sql`(${made} OR EXISTS (SELECT 1 FROM trace_links l WHERE l.trace = t.id AND ${comparison(raw('l.run'), clause)}))`;
}

/** `prompt = 'name/version'`; clients keep the prompts of a trace in a tag. */
function promptCondition({ value }: Clause): Sql {
  const wanted = String(value);
  if (!/^[^/]+\/[^/]+$/.test(wanted)) {
    throw invalid(`Invalid prompts filter value '${wanted}'. Expected format: prompt = "name/version"`);
  }
  const items = either(
    sql`json_each(CASE WHEN json_valid(x.value) THEN x.value ELSE '[]' END) p`,
    sql`json_array_elements(json_list(x.value)) p(value)`,
  );
  return sql`EXISTS (SELECT 1 FROM trace_tags x, ${items} WHERE x.trace = t.n AND x.key = 'mlflow.linkedPrompts'
    AND ${inside('p.value', 'name')} || '/' || (${inside('p.value', 'version')}) = ${wanted})`;
}

/** A condition on the span `s`. */
function spanCondition(key: string, clause: Clause): Sql {
  const part = spanParts[key];
  if (part !== undefined) return comparison(part, clause);
  const name = key === 'type' ? 'mlflow.spanType' : key.slice('attributes.'.length).replace(/^`(.*)`$/s, '$1');
  const attributes = either(
    sql`json_each(s.body, '$.attributes') a`,
    sql`json_array_elements(s.body::json -> 'attributes') a(value)`,
  );
  const kinds = ['string_value', 'int_value', 'double_value', 'bool_value'];
  const values = kinds.map((kind) => inside('a.value', 'value', kind));
  const value = sql`CAST(coalesce(${values[0]}, ${values[1]}, ${values[2]}, ${values[3]}, ${jsonInside('a.value', 'value')}) AS TEXT)`;
  return sql`EXISTS (SELECT 1 FROM ${attributes} WHERE ${inside('a.value', 'key')} = ${name} AND ${comparison(value, clause)})`;
}

function assessmentCondition(entity: 'feedback' | 'expectation', clause: Clause): Sql {
  const exists = either(
    raw(`json_type(s.body, '$.${entity}') IS NOT NULL`),
    raw(`(s.body::json -> '${entity}') IS NOT NULL`),
  );
  const valid = either(
    raw(`coalesce(s.body ->> '$.valid', 1)`),
    raw(`coalesce(s.body::json ->> 'valid', 'true') <> 'false'`),
  );
  const from = sql`SELECT 1 FROM trace_assessments s WHERE s.trace = t.n
    AND ${inside('s.body', 'assessment_name')} = ${clause.key} AND ${exists} AND ${valid}`;
  if (clause.comparator === 'IS NULL') return sql`NOT EXISTS (${from})`;
  if (clause.comparator === 'IS NOT NULL') return sql`EXISTS (${from})`;
  const value = typeof clause.value === 'number' ? assessmentNumber(entity) : assessmentText(entity);
  return sql`EXISTS (${from} AND ${comparison(value, clause)})`;
}

function assessmentNumber(entity: string): Sql {
  const value = `s.body::json #> '{${entity},value}'`;
  return either(
    raw(`json_extract(s.body, '$.${entity}.value')`),
    raw(`(CASE json_typeof(${value}) WHEN 'number' THEN (s.body::json #>> '{${entity},value}')::float8
      WHEN 'boolean' THEN CASE s.body::json #>> '{${entity},value}' WHEN 'true' THEN 1.0 ELSE 0.0 END END)`),
  );
}

/** The value as text, and as JSON what is no text. Clients write lists and objects as JSON in a text. */
function assessmentText(entity: string): Sql {
  const type = either(
    raw(`json_type(s.body, '$.${entity}.value')`),
    raw(`json_typeof(s.body::json #> '{${entity},value}')`),
  );
  const text = either(raw(`'text'`), raw(`'string'`));
  return sql`coalesce(CASE ${type} WHEN ${text} THEN ${inside('s.body', entity, 'value')}
    ELSE ${jsonInside('s.body', entity, 'value')} END, ${inside('s.body', entity, 'serialized_value', 'value')})`;
}
