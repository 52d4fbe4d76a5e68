import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  experimentRules,
  loggedModelRules,
  modelVersionRules,
  registeredModelRules,
  runRules,
} from './search-rules.ts';
import { parseFilter, type SearchRules } from './search-grammar.ts';
import { parseOrderBy } from './search-order.ts';
import { traceRules } from './traces.ts';

function read(filter: string, rules: SearchRules = runRules): string[] {
  return parseFilter(filter, rules).map(
    ({ entity, key, comparator, value }) => `${entity} ${key} ${comparator} ${JSON.stringify(value)}`,
  );
}

describe('filters', () => {
  it('read identifiers, comparators and values as MLflow does', () => {
    const cases: readonly (readonly [filter: string, clauses: readonly string[]])[] = [
      ['metrics.m >= -1.5e3', ['metric m >= -1500']],
      ['metric.`loss/val` < .5', ['metric loss/val < 0.5']],
      ['params."a b" = "c"', ['param a b = "c"']],
      [`metrics.'f1 score' > 1`, ['metric f1 score > 1']],
      [`params.'a b'='c'`, ['param a b = "c"']],
      [`tags.'mlflow.parentRunId' IS NULL`, ['tag mlflow.parentRunId IS NULL null']],
      [`attributes.'Run name' = 'a'`, ['attribute run_name = "a"']],
      [`tags.mlflow.user ILIKE '%U'`, ['tag mlflow.user ILIKE "%U"']],
      [`tags.x.y.z = '1' and tag.t is not null`, ['tag x.y.z = "1"', 'tag t IS NOT NULL null']],
      [`attributes.\`Run name\` = 'a'`, ['attribute run_name = "a"']],
      ['created > 5', ['attribute start_time > 5']],
      [`run_id IN ('a', "b")`, ['attribute run_id IN ["a","b"]']],
      [`dataset.name NOT IN ('d')`, ['dataset name NOT IN ["d"]']],
      [`params.p = "it's"`, [`param p = "it's"`]],
      // A backslash keeps a quote, and stays.
      [`params.p = 'it\\'s'`, [String.raw`param p = "it\\'s"`]],
      // No AND between, or too many: as if there were one.
      [`params.a = '1' params.b = '2'`, ['param a = "1"', 'param b = "2"']],
      [`AND params.a = '1' AND AND params.b = '2' AND`, ['param a = "1"', 'param b = "2"']],
      ['', []],
    ];
    for (const [filter, clauses] of cases) expect(read(filter), filter).toEqual(clauses);
  });

  it('are refused in the words of MLflow, the value before the comparator', () => {
    const cases: readonly (readonly [filter: string, message: string, rules?: SearchRules])[] = [
      ['   ', "Invalid filter '   '. Could not be parsed."],
      [
        `foo.a = '1'`,
        "Invalid entity type 'foo'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']",
      ],
      [`metrics.a LIKE '%'`, "Expected numeric value type for metric. Found '%'"],
      [`start_time IN ('a')`, "Expected numeric value type for numeric attribute: start_time. Found ('a')"],
      ['params.p > 1', "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 1"],
      [`tags.t IN ('a')`, "Expected a quoted string value for tag (e.g. 'my-value'). Got value ('a')"],
      ['status = 1', 'Expected a quoted string value for attributes. Got value 1'],
      ['dataset.name = 1', 'Expected a quoted string value for dataset attributes. Got value 1'],
      [
        'params.p = x',
        'Parameter value is either not quoted or unidentified quote types used for string value x. Use either single or double quotes.',
      ],
      [`status IN ('RUNNING')`, "Only ['run_id'] attributes support comparison with a list of quoted string values."],
      [`dataset.foo = 'x'`, "Invalid dataset key 'foo' specified."],
      [`params.p <> 'a'`, "Invalid comparator '<>' not one of"],
      [
        `params.p >= 'a'`,
        "Invalid comparator '>=' not one of '{'=', '!=', 'LIKE', 'ILIKE', 'IS NULL', 'IS NOT NULL'}'",
      ],
      ['metrics.a IS NULL', "IS NULL / IS NOT NULL is only supported for tags and params, not for 'metric' 'a'"],
      ['metrics.m IN 1', "Invalid clause(s) in filter string: 'metrics.m', 'IN', '1'"],
      [`params.a = '1' OR params.b = '2'`, "Invalid clause(s) in filter string: 'OR'"],
      ['run_id IN ()', 'expected a non-empty list of string values, but got empty list'],
      [`run_id IN ('a', 2)`, "but got different type in list: ('a', 2)"],
      [`name > 'a'`, 'Invalid comparator for attribute: >', registeredModelRules],
      [`tags.a > 'a'`, 'Invalid comparator for tag: >', experimentRules],
      [`experiment_id > '1'`, 'Invalid comparator for experiment_id: >', experimentRules],
      [
        `metrics.a = 1`,
        "Invalid entity type 'metrics'. Valid entity types are ('attribute', 'tag', 'tags')",
        modelVersionRules,
      ],
      [`name = 'a' OR name = 'b'`, 'Invalid clause(s) in filter string: OR', registeredModelRules],
      [`span.foo = 'x'`, "Invalid span attribute 'foo'", traceRules],
      [`span.content = 'x'`, "Invalid comparator '=' not one of '{'LIKE', 'ILIKE'}'", traceRules],
      [`trace.text = 'x'`, "Invalid comparator '=' not one of '{'LIKE', 'ILIKE'}'", traceRules],
    ];
    for (const [filter, message, rules] of cases) expect(() => read(filter, rules), filter).toThrow(message);
  });

  it('of logged models take text without quotes, and lists of params and tags', () => {
    expect(read('name = alpha AND params.lr = 0.01', loggedModelRules)).toEqual([
      'attribute name = "alpha"',
      'param lr = "0.01"',
    ]);
    expect(read(`tags.t IN ('a', 'b')`, loggedModelRules)).toEqual(['tag t IN ["a","b"]']);
  });

  it('of traces reach into spans and assessments', () => {
    expect(
      read(`span.attributes.x.y LIKE '%1%' AND feedback.score > 0.5 AND expectation.a IS NULL`, traceRules),
    ).toEqual(['span attributes.x.y LIKE "%1%"', 'feedback score > 0.5', 'expectation a IS NULL null']);
  });
});

describe('orders', () => {
  it('read a key and a direction', () => {
    expect(parseOrderBy(['metrics.`a b` DESC', 'start_time asc'], runRules)).toEqual([
      { entity: 'metric', key: 'a b', ascending: false },
      { entity: 'attribute', key: 'start_time', ascending: true },
    ]);
    // Here the same key may come again, and counts once.
    expect(parseOrderBy(['name', 'name DESC'], experimentRules)).toHaveLength(1);
  });

  it('are refused in the words of MLflow', () => {
    const cases: readonly (readonly [order: readonly string[], message: string, rules?: SearchRules])[] = [
      [['metrics.a DSC'], "Invalid ordering key in order_by clause 'metrics.a DSC'."],
      [['metrics.a,'], "Invalid order_by clause 'metrics.a,'. Could not be parsed."],
      [['metrics.a ASC DESC x'], 'Could not be parsed.'],
      [['dataset.name'], "Invalid identifier type 'dataset'"],
      [['metrics.a', 'metric.a'], '`order_by` contains duplicate fields'],
      [['tags.i'], 'Invalid order_by entity: tag', registeredModelRules],
      [['run_id'], "Invalid order by key 'run_id' specified.", modelVersionRules],
      [['span.name'], "Invalid identifier type 'span'", traceRules],
    ];
    for (const [order, message, rules = runRules] of cases) {
      expect(() => parseOrderBy(order, rules), order.join()).toThrow(message);
    }
  });
});

describe('lists', () => {
  /** How MLflow's server cuts a list, as one expression; quadratic, so only for short ones. */
  const items = (text: string): string[] =>
    [...text.matchAll(/\s*('(?:[^']|'')*'|"[^"]*"|[^,]+?)\s*(?:,|$)/g)].map((match) => match[1] ?? '');

  it('are cut at the commas that stand outside of quotes', () => {
    const text = fc.string({ unit: fc.constantFrom("'", '"', ',', ' ', 'a', '\n'), maxLength: 12 });
    fc.assert(
      fc.property(text, (inside) => {
        const wanted = items(inside);
        const good = wanted.length > 0 && wanted.every((item) => /^'.*'$|^".*"$/s.test(item));
        const values = wanted.map((item) => {
          const inner = item.slice(1, -1);
          return item.startsWith("'") ? inner.replaceAll("''", "'") : inner;
        });
        if (good) expect(read(`run_id IN (${inside})`)).toEqual([`attribute run_id IN ${JSON.stringify(values)}`]);
        else expect(() => read(`run_id IN (${inside})`)).toThrow(/list/);
      }),
    );
  });
});
