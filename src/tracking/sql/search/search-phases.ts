import type { Clause, OrderTerm } from '../../../mlflow/index.ts';
import { isPair, type Numbers, type Part, type SortKey } from './search-terms.ts';
import { distinctNumbers, distinctTexts } from './search-values.ts';
import { raw, type Sql } from '../sql.ts';
import type { Work } from '../work.ts';

/** One expression of an order. */
export interface Term {
  readonly sql: Sql;
  readonly descending: boolean;
  /** The same in all rows of a phase. */
  readonly constant?: boolean;
  /** The value of the walk itself. */
  readonly walked?: boolean;
  /** A text of which PostgreSQL has only the head in its index. */
  readonly long?: boolean;
}

/** A search of runs, parsed. */
export interface Plan {
  readonly number: Numbers;
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
  /** Walk the index of end times. */
  readonly byEnd?: boolean;
  /** Only runs without a value for this term. */
  readonly missing?: OrderTerm;
  /** Only runs with this value of this term. */
  readonly only?: { readonly term: OrderTerm; readonly value: string | number };
  /** The first two terms of the order as they are in this phase. */
  readonly head?: readonly [Term, Term];
}

export function phasesOf({ order }: Plan): readonly Phase[] {
  const first = order[0];
  const byEnd = first?.entity === 'attribute' && first.key === 'end_time';
  if (first === undefined || first.entity === 'dataset' || (first.entity === 'attribute' && !byEnd)) {
    return [{ rank: 0 }];
  }
  const constant = (value: string): Term => ({ sql: raw(value), descending: false, constant: true });
  const value: Term = { sql: raw(byEnd ? 'r.end_time' : 'o0.value'), descending: !first.ascending, walked: !byEnd };
  const values: Phase = { rank: 0, ...(byEnd ? { byEnd } : { walk: first }), head: [constant('0'), value] };
  if (first.entity === 'metric') {
    const nan: Phase = { rank: 1, walk: first, head: [constant('1'), constant('0')] };
    return [values, nan, { rank: 2, missing: first, head: [constant('2'), constant('0')] }];
  }
  return [values, { rank: 1, missing: first, head: [constant('1'), constant(byEnd ? '0' : "''")] }];
}

/**
 * A walk over few values is one walk per value along the start times, because within a value that is the order:
 * the value's own index would have to be read and sorted for each.
 */
export function* stepsOf(plan: Plan, part: Part, phase: Phase): Work<readonly Phase[]> {
  const { walk, rank, head } = phase;
  if (walk === undefined || head === undefined || rank !== 0 || plan.order.length !== 1) return [phase];
  const { entity, key, ascending } = walk;
  if (!isPair(entity)) return [phase];
  const values =
    entity === 'metric'
      ? yield* distinctNumbers(plan.number(key), part)
      : yield* distinctTexts(entity, plan.number(key), part);
  if (values === undefined) return [phase];
  const start = plan.position?.[0] === 0 ? values.findIndex((value) => value === plan.position?.[1]) : -1;
  if (plan.position?.[0] === 0 && start < 0) return [phase];
  const inOrder = ascending
    ? values.slice(Math.max(start, 0))
    : values.slice(0, start < 0 ? undefined : start + 1).toReversed();
  return inOrder.map((only) => ({ rank, head, only: { term: walk, value: only } }));
}
