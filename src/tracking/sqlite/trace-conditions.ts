import type { Clause } from '../../mlflow/index.ts';
import { comparison } from './simple-search.ts';

/** Parts of a span in protobuf's JSON form, `s.body`; the status is a number or a name there. */
const spanParts: Readonly<Record<string, string>> = {
  name: `json_extract(s.body, '$.name')`,
  status: `CASE json_extract(s.body, '$.status.code') WHEN 1 THEN 'OK' WHEN 'STATUS_CODE_OK' THEN 'OK'
    WHEN 2 THEN 'ERROR' WHEN 'STATUS_CODE_ERROR' THEN 'ERROR' ELSE 'UNSET' END`,
  content: 's.body',
};

/** Filters of traces by what their spans and assessments hold: some span, or some assessment of the name, fits. */
export function traceCondition(clause: Clause, values: unknown[]): string | undefined {
  const { entity, key } = clause;
  if (entity === 'span') return spanCondition(key, clause, values);
  // Text search of a trace is a search of its spans.
  if (entity === 'attribute' && key === 'text') return spanCondition('content', clause, values);
  if (entity === 'feedback' || entity === 'expectation') return assessmentCondition(entity, clause, values);
  return undefined;
}

function spanCondition(key: string, clause: Clause, values: unknown[]): string {
  const from = 'SELECT 1 FROM trace_spans s WHERE s.trace = t.n';
  const part = spanParts[key];
  if (part !== undefined) return `EXISTS (${from} AND ${comparison(part, clause, values)})`;
  values.push(key === 'type' ? 'mlflow.spanType' : key.slice('attributes.'.length));
  const value = `CAST(coalesce(a.value ->> '$.value.string_value', a.value ->> '$.value.int_value',
    a.value ->> '$.value.double_value', a.value ->> '$.value.bool_value', a.value -> '$.value') AS TEXT)`;
  return `EXISTS (${from} AND EXISTS (SELECT 1 FROM json_each(s.body, '$.attributes') a
    WHERE a.value ->> '$.key' = ? AND ${comparison(value, clause, values)}))`;
}

function assessmentCondition(entity: 'feedback' | 'expectation', clause: Clause, values: unknown[]): string {
  const place = `$.${entity}`;
  values.push(clause.key);
  const from = `SELECT 1 FROM trace_assessments s WHERE s.trace = t.n AND s.body ->> '$.assessment_name' = ?
    AND json_type(s.body, '${place}') IS NOT NULL`;
  if (clause.comparator === 'IS NULL') return `NOT EXISTS (${from})`;
  if (clause.comparator === 'IS NOT NULL') return `EXISTS (${from})`;
  const raw = `json_extract(s.body, '${place}.value')`;
  if (typeof clause.value === 'number') return `EXISTS (${from} AND ${comparison(raw, clause, values)})`;
  const text = `CASE json_type(s.body, '${place}.value') WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST(${raw} AS TEXT) END`;
  return `EXISTS (${from} AND ${comparison(text, clause, values)})`;
}
