import { useEffect, useRef, useState } from 'preact/hooks';

import { ApiError } from './api.ts';
import { onNews, requestAnswered } from './live.ts';

export interface Asked<Answer> {
  readonly data: Answer | undefined;
  readonly error: ApiError | undefined;
  readonly loading: boolean;
}

/**
 * What the server answers, asked again when `key` changes and, without a blink, when there are news. An answer that
 * is overtaken is thrown away.
 */
export function useAsk<Answer>(
  key: string | undefined,
  ask: (signal: AbortSignal) => Promise<Answer>,
  live = true,
): Asked<Answer> {
  const [state, setState] = useState<Asked<Answer> & { key?: string | undefined }>({
    ...{ data: undefined, error: undefined, loading: true },
  });
  const current = useRef(ask);
  current.current = ask;
  useEffect(() => {
    if (key === undefined) return undefined;
    const ended = new AbortController();
    let running = false;
    const run = async (): Promise<void> => {
      if (running) return;
      running = true;
      try {
        const data = await current.current(ended.signal);
        requestAnswered(true);
        if (!ended.signal.aborted) setState({ data, error: undefined, loading: false, key });
      } catch (error) {
        if (ended.signal.aborted) return;
        const failure = error instanceof ApiError ? error : new ApiError(-1, String(error));
        requestAnswered(failure.status !== 0);
        setState((old) => ({ data: old.key === key ? old.data : undefined, error: failure, loading: false, key }));
      } finally {
        running = false;
      }
    };
    setState((old) => (old.key === key ? old : { ...old, loading: true }));
    void run();
    const stop = live ? onNews(() => void run()) : undefined;
    return () => {
      ended.abort();
      stop?.();
    };
  }, [key, live]);
  // What belongs to another question is not shown under this one.
  return state.key === key ? state : { data: undefined, error: undefined, loading: true };
}
