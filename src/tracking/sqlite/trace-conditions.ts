import { invalid, type Clause } from '../../mlflow/index.ts';
import { comparison } from './simple-search.ts';

/** Parts of a span in protobuf's JSON form, `s.body`; the status is a number or a name there. */
const spanParts: Readonly<Record<string, string>> = {
  name: `json_extract(s.body, '$.name')`,
  status: `CASE json_extract(s.body, '$.status.code') WHEN 1 THEN 'OK' WHEN 'STATUS_CODE_OK' THEN 'OK'
    WHEN 2 THEN 'ERROR' WHEN 'STATUS_CODE_ERROR' THEN 'ERROR' ELSE 'UNSET' END`,
  content: 's.body',
};

/** The clauses on spans as one condition: a single span fits them all. */
export function spanConditions(clauses: readonly Clause[], values: unknown[]): string | undefined {
  const own = clauses.flatMap((clause) => spanKey(clause) ?? []);
  if (own.length === 0) return undefined;
  const tests = own.map(([key, clause]) => spanCondition(key, clause, values));
  return `EXISTS (SELECT 1 FROM trace_spans s WHERE s.trace = t.n AND ${tests.join(' AND ')})`;
}

/** Text search of a trace is a search of its spans. */
function spanKey(clause: Clause): [[key: string, clause: Clause]] | undefined {
  if (clause.entity === 'span') return [[clause.key, clause]];
  return clause.entity === 'attribute' && clause.key === 'text' ? [['content', clause]] : undefined;
}

/** Filters of traces by assessments and prompts: some assessment of the name, some prompt, fits. */
export function traceCondition(clause: Clause, values: unknown[]): string | undefined {
  const { entity, key } = clause;
  if (spanKey(clause) !== undefined) return '';
  if (entity === 'attribute' && key === 'prompt') return promptCondition(clause, values);
  if (entity === 'feedback' || entity === 'expectation') return assessmentCondition(entity, clause, values);
  return undefined;
}

/** `prompt = 'name/version'`; clients keep the prompts of a trace in a tag. */
function promptCondition({ value }: Clause, values: unknown[]): string {
  const wanted = String(value);
  if (!/^[^/]+\/[^/]+$/.test(wanted)) {
    throw invalid(`Invalid prompts filter value '${wanted}'. Expected format: prompt = "name/version"`);
  }
  values.push(wanted);
  return `EXISTS (SELECT 1 FROM trace_tags x, json_each(CASE WHEN json_valid(x.value) THEN x.value ELSE '[]' END) p
    WHERE x.trace = t.n AND x.key = 'mlflow.linkedPrompts' AND p.value ->> '$.name' || '/' || (p.value ->> '$.version') = ?)`;
}

/** A condition on the span `s`. */
function spanCondition(key: string, clause: Clause, values: unknown[]): string {
  const part = spanParts[key];
  if (part !== undefined) return comparison(part, clause, values);
  values.push(key === 'type' ? 'mlflow.spanType' : key.slice('attributes.'.length).replace(/^`(.*)`$/s, '$1'));
  const value = `CAST(coalesce(a.value ->> '$.value.string_value', a.value ->> '$.value.int_value',
    a.value ->> '$.value.double_value', a.value ->> '$.value.bool_value', a.value -> '$.value') AS TEXT)`;
  return `EXISTS (SELECT 1 FROM json_each(s.body, '$.attributes') a
    WHERE a.value ->> '$.key' = ? AND ${comparison(value, clause, values)})`;
}

function assessmentCondition(entity: 'feedback' | 'expectation', clause: Clause, values: unknown[]): string {
  const place = `$.${entity}`;
  values.push(clause.key);
  const from = `SELECT 1 FROM trace_assessments s WHERE s.trace = t.n AND s.body ->> '$.assessment_name' = ?
    AND json_type(s.body, '${place}') IS NOT NULL AND coalesce(s.body ->> '$.valid', 1)`;
  if (clause.comparator === 'IS NULL') return `NOT EXISTS (${from})`;
  if (clause.comparator === 'IS NOT NULL') return `EXISTS (${from})`;
  const raw = `json_extract(s.body, '${place}.value')`;
  if (typeof clause.value === 'number') return `EXISTS (${from} AND ${comparison(raw, clause, values)})`;
  return `EXISTS (${from} AND ${comparison(assessmentText(place), clause, values)})`;
}

/** The value as text, and as JSON what is no text. Clients write lists and objects as JSON in a text. */
function assessmentText(place: string): string {
  return `coalesce(CASE json_type(s.body, '${place}.value') WHEN 'text' THEN s.body ->> '${place}.value'
    ELSE s.body -> '${place}.value' END, s.body ->> '${place}.serialized_value.value')`;
}
