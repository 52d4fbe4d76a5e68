import type { Clause, Entity, OrderTerm } from '../../mlflow/index.ts';
import type { Keys } from './keys.ts';
import { comparison } from './simple-search.ts';

/** A piece of SQL and what it binds, in order. */
export interface Sql {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** One experiment in one state of life: each is a range of every index, so each is searched by itself. */
export interface Part {
  readonly experiment: number;
  readonly lifecycle: number;
}

/** Attribute to column of `runs r`. */
export const runColumns: Readonly<Record<string, string>> = {
  run_id: 'r.id',
  run_name: 'r.name',
  status: 'r.status',
  user_id: 'r.user_id',
  artifact_uri: 'r.artifact_uri',
  start_time: 'r.start_time',
  end_time: 'r.end_time',
};

type PairEntity = 'metric' | 'param' | 'tag';

export function isPair(entity: Entity): entity is PairEntity {
  return entity === 'metric' || entity === 'param' || entity === 'tag';
}

export const pairTables = { metric: 'latest', param: 'params', tag: 'tags' } as const;

/** A clause as a condition on `runs r`, looked up by the run: cheap for one run, no plan of its own. */
export function runCondition(clause: Clause, keys: Keys): Sql {
  const values: unknown[] = [];
  const { entity, key, comparator } = clause;
  if (entity === 'attribute') {
    return { text: comparison(runColumns[key] ?? 'NULL', clause, values), values };
  }
  if (entity === 'dataset') return datasetCondition(clause);
  if (!isPair(entity)) throw new Error(`runs have no '${entity}'`);
  values.push(keys.find(key) ?? -1);
  const from = `SELECT 1 FROM ${pairTables[entity]} x WHERE x.run = r.n AND x.key = ?`;
  if (comparator === 'IS NULL') return { text: `NOT EXISTS (${from})`, values };
  if (comparator === 'IS NOT NULL') return { text: `EXISTS (${from})`, values };
  const test = comparison('x.value', clause, values);
  if (entity !== 'metric') return { text: `EXISTS (${from} AND ${test})`, values };
  const number = comparator === '!=' ? `(x.is_nan = 1 OR ${test})` : `x.is_nan = 0 AND ${test}`;
  return { text: `EXISTS (${from} AND ${number})`, values };
}

function datasetCondition(clause: Clause): Sql {
  const values: unknown[] = [];
  if (clause.key === 'context') {
    const test = comparison('c.value', clause, values);
    return {
      text: `EXISTS (SELECT 1 FROM run_datasets i JOIN run_dataset_tags c ON c.input = i.id AND c.key = 'mlflow.data.context'
        WHERE i.run = r.n AND ${test})`,
      values,
    };
  }
  const test = comparison(`d.${clause.key}`, clause, values);
  return {
    text: `EXISTS (SELECT 1 FROM run_datasets i JOIN datasets d ON d.id = i.dataset WHERE i.run = r.n AND ${test})`,
    values,
  };
}

/** The rows of one index that a clause selects; `run` is the column that names the run. */
export interface Range extends Sql {
  readonly run: 'x.run' | 'x.n';
}

const indexedAttributes: Readonly<Record<string, string>> = {
  status: 'runs_by_status',
  run_name: 'runs_by_name',
  user_id: 'runs_by_user',
  end_time: 'runs_by_end',
};

/** The index ranges that clauses select in one experiment and state of life, one for all on the same metric. */
export function clauseRanges(clauses: readonly Clause[], keys: Keys, part: Part): Range[] {
  const ranges = clauses.flatMap((clause) => clauseRange(clause, keys, part) ?? []);
  const metrics = new Map<string, Clause[]>();
  for (const clause of clauses) {
    if (clause.entity !== 'metric' || clause.comparator === '!=') continue;
    metrics.set(clause.key, [...(metrics.get(clause.key) ?? []), clause]);
  }
  for (const [key, own] of metrics) {
    const tests = own.map(({ comparator }) => `AND x.value ${comparator} ?`).join(' ');
    ranges.push({
      text: `FROM latest x INDEXED BY latest_by_value WHERE x.experiment = ? AND x.key = ? AND x.is_nan = 0 ${tests}`,
      values: [part.experiment, keys.find(key) ?? -1, ...own.map(({ value }) => value)],
      run: 'x.run',
    });
  }
  return ranges;
}

function clauseRange(clause: Clause, keys: Keys, part: Part): Range | undefined {
  const { experiment, lifecycle } = part;
  const { entity, key, comparator, value } = clause;
  if ((entity === 'param' || entity === 'tag') && comparator === '=') {
    const table = pairTables[entity];
    const values = [experiment, keys.find(key) ?? -1, value, value];
    return {
      text: `FROM ${table} x INDEXED BY ${table}_by_value WHERE x.experiment = ? AND x.key = ?
        AND substr(x.value, 1, 64) = substr(?, 1, 64) AND x.value = ?`,
      values,
      run: 'x.run',
    };
  }
  if (entity === 'dataset' && key !== 'context' && comparator === '=') {
    return {
      text: `FROM (SELECT DISTINCT i.run FROM datasets d CROSS JOIN run_datasets i ON i.dataset = d.id
        WHERE d.experiment = ? AND d.${key} = ?) x`,
      values: [experiment, value],
      run: 'x.run',
    };
  }
  if (entity !== 'attribute') return undefined;
  if (key === 'run_id' && (comparator === '=' || comparator === 'IN')) {
    const ids = comparator === 'IN' ? value : [value];
    const text = 'FROM runs x WHERE x.id IN (SELECT value FROM json_each(?))';
    return { text, values: [JSON.stringify(ids)], run: 'x.n' };
  }
  const index = indexedAttributes[key];
  const isText = key === 'run_name' || key === 'user_id';
  const ranged = comparator === '=' || (key === 'end_time' && comparator !== '!=') || (isText && comparator !== '!=');
  if (index === undefined || !ranged) return undefined;
  const values: unknown[] = [experiment, lifecycle];
  const test = comparison(`x.${key === 'run_name' ? 'name' : key}`, clause, values);
  return {
    text: `FROM runs x INDEXED BY ${index} WHERE x.experiment = ? AND x.lifecycle = ? AND ${test}`,
    values,
    run: 'x.n',
  };
}

/** One key of the order as two expressions: what has a value comes first, then NaN, then what is missing. */
export interface SortKey {
  readonly rank: string;
  readonly value: string;
  readonly descending: boolean;
  /** The join that the expressions need. */
  readonly join?: Sql | undefined;
}

export function sortKey(term: OrderTerm, index: number, keys: Keys): SortKey {
  const descending = !term.ascending;
  if (term.entity === 'attribute') {
    const column = runColumns[term.key] ?? 'r.id';
    if (term.key !== 'end_time') return { rank: '0', value: column, descending };
    return { rank: '(r.end_time IS NULL)', value: 'COALESCE(r.end_time, 0)', descending };
  }
  const table = isPair(term.entity) ? pairTables[term.entity] : 'tags';
  const o = `o${index}`;
  const join = {
    text: `LEFT JOIN ${table} ${o} ON ${o}.run = r.n AND ${o}.key = ?`,
    values: [keys.find(term.key) ?? -1],
  };
  if (term.entity !== 'metric') {
    return { rank: `(${o}.run IS NULL)`, value: `COALESCE(${o}.value, '')`, descending, join };
  }
  return {
    rank: `CASE WHEN ${o}.run IS NULL THEN 2 ELSE ${o}.is_nan END`,
    value: `COALESCE(${o}.value, 0)`,
    descending,
    join,
  };
}

/** `(a, b, c)` comes after `position`, each in its own direction. */
export function after(
  terms: readonly { readonly sql: string; readonly descending: boolean }[],
  position: readonly unknown[],
): Sql {
  const values: unknown[] = [];
  const from = (i: number): string => {
    const term = terms[i];
    if (term === undefined) return '0';
    const operator = term.descending ? '<' : '>';
    values.push(position[i]);
    if (i === terms.length - 1) return `${term.sql} ${operator} ?`;
    values.push(position[i]);
    return `(${term.sql} ${operator} ? OR (${term.sql} = ? AND ${from(i + 1)}))`;
  };
  return { text: from(0), values };
}
