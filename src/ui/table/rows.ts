import { useEffect, useRef, useState } from 'preact/hooks';

import type { FilterProblem, TableAnswer, TableQuery, TableRow } from '../../api/ui/wire.ts';
import { ApiError, mlflow, post } from '../kit/api.ts';
import { onNews, requestAnswered } from '../kit/live.ts';

const pageSize = 100;
const laterPage = 500;
const most = 1000;

export interface LoadedRows {
  readonly columns: readonly string[];
  readonly rows: readonly TableRow[];
  readonly problem: FilterProblem | undefined;
  readonly error: ApiError | undefined;
  readonly loading: boolean;
  readonly more: boolean;
  /** Loads the next page, unless that is under way. */
  readonly next: () => void;
}

interface State {
  readonly key: string;
  readonly answer: TableAnswer | undefined;
  readonly error: ApiError | undefined;
  readonly loading: boolean;
}

/** Rows page by page. With news the first thousand are asked for again, without a blink. */
export function useRows(query: TableQuery): LoadedRows {
  const key = JSON.stringify(query);
  const [state, setState] = useState<State>({ key, answer: undefined, error: undefined, loading: true });
  const latest = useRef(state);
  latest.current = state;
  const busy = useRef(false);
  const ask = async (signal: AbortSignal, changes: Partial<TableQuery>): Promise<TableAnswer | undefined> => {
    busy.current = true;
    try {
      const answer = await post<TableAnswer>(`${mlflow}/mlops-ui/runs`, { ...query, ...changes }, signal);
      requestAnswered(true);
      return answer;
    } catch (error) {
      if (signal.aborted) return undefined;
      const failure = error instanceof ApiError ? error : new ApiError(-1, String(error));
      requestAnswered(failure.status !== 0);
      setState((old) => ({ ...old, key, error: failure, loading: false }));
      return undefined;
    } finally {
      busy.current = false;
    }
  };
  const ended = useRef(new AbortController());
  useEffect(() => {
    const control = new AbortController();
    ended.current = control;
    setState((old) => ({ ...old, key, loading: true, error: undefined }));
    const load = async (size: number): Promise<void> => {
      const answer = await ask(control.signal, { max_results: size });
      if (answer === undefined || control.signal.aborted) return;
      // While a filter is being written, what was found last stays in sight.
      const shown = (old: State): TableAnswer =>
        answer.problem !== undefined && old.answer !== undefined
          ? { ...old.answer, problem: answer.problem, next_page_token: undefined }
          : keepTail(old, key, answer);
      setState((old) => ({ key, answer: shown(old), error: undefined, loading: false }));
    };
    void load(pageSize);
    const stop = onNews(() => {
      const { answer } = latest.current;
      // While somebody writes a filter that is wrong, there is nothing to ask.
      if (busy.current || answer === undefined || answer.problem !== undefined) return;
      void load(Math.min(Math.max(answer.rows.length, pageSize), most));
    });
    return () => {
      control.abort();
      stop();
    };
  }, [key]);
  const { answer } = state;
  const next = async (): Promise<void> => {
    if (busy.current || answer?.next_page_token === undefined || state.key !== key) return;
    const { signal } = ended.current;
    const { columns, next_page_token: token } = answer;
    const page = await ask(signal, { columns, page_token: token, max_results: laterPage });
    if (page === undefined || signal.aborted) return;
    setState((old) =>
      old.answer === undefined ? old : { ...old, answer: { ...page, rows: [...old.answer.rows, ...page.rows] } },
    );
  };
  return {
    columns: answer?.columns ?? [],
    rows: answer?.rows ?? [],
    problem: answer?.problem,
    error: state.error,
    loading: state.loading,
    more: answer?.next_page_token !== undefined,
    next: () => void next(),
  };
}

/** What was loaded beyond the first thousand stays, behind what is new. */
function keepTail(old: State, key: string, fresh: TableAnswer): TableAnswer {
  const before = old.answer;
  if (old.key !== key || before === undefined || before.rows.length <= fresh.rows.length) return fresh;
  if (fresh.next_page_token === undefined) return fresh;
  const known = new Set(fresh.rows.map((row) => row.run_id));
  const tail = before.rows.slice(fresh.rows.length).filter((row) => !known.has(row.run_id));
  return { ...fresh, rows: [...fresh.rows, ...tail], next_page_token: before.next_page_token };
}

/** All rows of a query, up to a number, for export and grouping. */
export async function allRows(query: TableQuery, limit: number, signal?: AbortSignal): Promise<TableAnswer> {
  const rows: TableRow[] = [];
  let token: string | undefined;
  let columns: readonly string[] = query.columns ?? [];
  do {
    const size = Math.min(most, limit - rows.length);
    const body = { ...query, max_results: size, ...(token === undefined ? {} : { page_token: token }) };
    const page = await post<TableAnswer>(`${mlflow}/mlops-ui/runs`, body, signal);
    rows.push(...page.rows);
    columns = page.columns;
    token = page.next_page_token;
  } while (token !== undefined && rows.length < limit);
  return { columns, rows, next_page_token: token };
}
