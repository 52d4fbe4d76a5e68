import type { Clause, OrderTerm } from '../../mlflow/index.ts';
import type { Connection } from './connection.ts';
import type { Keys } from './keys.ts';
import { isPair, type Part, type SortKey } from './search-terms.ts';
import { distinctNumbers, distinctTexts } from './search-values.ts';

export type Term = { readonly sql: string; readonly descending: boolean };

/** A search of runs, parsed. */
export interface Plan {
  readonly c: Connection;
  readonly keys: Keys;
  readonly clauses: readonly Clause[];
  readonly order: readonly OrderTerm[];
  readonly sortKeys: readonly SortKey[];
  /** All expressions of the order with the tie-breakers, aligned with a position. */
  readonly terms: readonly Term[];
  readonly position: readonly unknown[] | undefined;
  readonly limit: number;
}

/**
 * What is ordered by one key comes in phases, each a walk of an index that yields the order without sorting:
 * values, then NaN, then the runs that have none. One CASE over all of them would fit no index.
 */
export interface Phase {
  /** The first sort key of every run found. */
  readonly rank: number;
  /** Walk the value index of this term. */
  readonly walk?: OrderTerm;
  /** Only runs without a value for this term. */
  readonly missing?: OrderTerm;
  /** Only runs with this value of this term. */
  readonly only?: { readonly term: OrderTerm; readonly value: string | number };
  /** The first two terms of the order as they are in this phase. */
  readonly head?: readonly [Term, Term];
}

export function phasesOf({ order }: Plan): readonly Phase[] {
  const first = order[0];
  const column = first?.entity === 'attribute' && first.key === 'end_time';
  if (first === undefined || first.entity === 'dataset' || (first.entity === 'attribute' && !column)) {
    return [{ rank: 0 }];
  }
  const constant = (value: string): Term => ({ sql: value, descending: false });
  const value: Term = { sql: column ? 'r.end_time' : 'o0.value', descending: !first.ascending };
  const walk = column ? {} : { walk: first };
  const values: Phase = { rank: 0, ...walk, head: [constant('0'), value] };
  if (first.entity === 'metric') {
    const nan: Phase = { rank: 1, walk: first, head: [constant('1'), constant('0')] };
    return [values, nan, { rank: 2, missing: first, head: [constant('2'), constant('0')] }];
  }
  const none = column ? '0' : "''";
  return [values, { rank: 1, missing: first, head: [constant('1'), constant(none)] }];
}

/**
 * A walk over few values is one walk per value along the start times, because within a value that is the order:
 * the value's own index would have to be read and sorted for each.
 */
export function stepsOf(plan: Plan, part: Part, phase: Phase): readonly Phase[] {
  const { walk, rank, head } = phase;
  if (walk === undefined || head === undefined || rank !== 0 || plan.order.length !== 1) return [phase];
  const { entity, key, ascending } = walk;
  if (!isPair(entity)) return [phase];
  const values =
    entity === 'metric'
      ? distinctNumbers(plan.c, plan.keys, key, part)
      : distinctTexts(plan.c, plan.keys, entity, key, part);
  if (values === undefined) return [phase];
  const start = plan.position?.[0] === 0 ? values.findIndex((value) => value === plan.position?.[1]) : -1;
  if (plan.position?.[0] === 0 && start < 0) return [phase];
  const inOrder = ascending
    ? values.slice(Math.max(start, 0))
    : values.slice(0, start < 0 ? undefined : start + 1).toReversed();
  return inOrder.map((only) => ({ rank, head, only: { term: walk, value: only } }));
}
