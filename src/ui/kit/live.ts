import { useEffect, useState } from 'preact/hooks';

import { addressOf, mlflow } from './api.ts';

export type Connection = 'live' | 'polling' | 'offline';

type Listener = () => void;
const news = new Set<Listener>();
const watchers = new Set<(connection: Connection) => void>();
let connection: Connection = 'polling';
let poll: ReturnType<typeof setInterval> | undefined;
let source: EventSource | undefined;

/** How often a page looks again where the server cannot tell it. */
const pollEvery = 5000;

/** Opens the stream of news; where it cannot be had, looks every five seconds. A hidden page does neither. */
export function followNews(): void {
  document.addEventListener('visibilitychange', () => (document.hidden ? rest() : start()));
  start();
}

function start(): void {
  tell();
  if (source !== undefined) return;
  source = new EventSource(addressOf(`${mlflow}/mlops-ui/live`));
  source.addEventListener('open', () => {
    stopPolling();
    setConnection('live');
  });
  source.addEventListener('change', tell);
  source.addEventListener('beat', tell);
  source.addEventListener('error', () => {
    if (connection === 'live') setConnection('polling');
    poll ??= setInterval(tell, pollEvery);
    // Refused for good; a connection that was lost is tried again by the browser.
    if (source?.readyState === EventSource.CLOSED) source.close();
  });
}

function rest(): void {
  source?.close();
  source = undefined;
  stopPolling();
}

function stopPolling(): void {
  clearInterval(poll);
  poll = undefined;
}

function tell(): void {
  for (const listener of news) listener();
}

/** Also told by requests: the one that fails shows that the server is away, the next one that it is back. */
export function setConnection(next: Connection): void {
  if (next === connection) return;
  connection = next;
  for (const watcher of watchers) watcher(next);
}

export function requestAnswered(reached: boolean): void {
  if (!reached) setConnection('offline');
  else if (connection === 'offline') setConnection(source?.readyState === EventSource.OPEN ? 'live' : 'polling');
}

export function onNews(listener: Listener): () => void {
  news.add(listener);
  return () => news.delete(listener);
}

/** This page changed something itself: what is shown is asked for again. */
export function refresh(): void {
  tell();
}

export function useConnection(): Connection {
  const [now, setNow] = useState(connection);
  useEffect(() => {
    watchers.add(setNow);
    return () => void watchers.delete(setNow);
  }, []);
  return now;
}
