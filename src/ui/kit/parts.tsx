import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';

import { words } from '../words.ts';
import type { ApiError } from './api.ts';
import { Icon } from './icon.tsx';
import { refresh } from './live.ts';

export function Loading() {
  return (
    <div class="state" role="status">
      <span class="spinner" aria-hidden="true" />
      <span class="soft">{words.states.loading}</span>
    </div>
  );
}

export function Failure({ error }: { readonly error: ApiError }) {
  const { states } = words;
  if (error.status === 404) return <Empty title={states.gone} hint={error.message} />;
  const denied = error.status === 401 || error.status === 403;
  return (
    <div class="state" role="alert">
      <Icon name="warn" />
      <h2>{denied ? states.denied : states.failed}</h2>
      <p class="soft">{denied ? states.deniedHint : error.message}</p>
      <button class="button" onClick={refresh}>
        {states.again}
      </button>
    </div>
  );
}

export function Empty(props: {
  readonly title: string;
  readonly hint?: string;
  readonly children?: ComponentChildren;
}) {
  return (
    <div class="state">
      <Icon name="empty" />
      <h2>{props.title}</h2>
      {props.hint === undefined ? null : <p class="soft">{props.hint}</p>}
      {props.children}
    </div>
  );
}

const tones: Readonly<Record<string, string>> = {
  ...{ FINISHED: 'good', READY: 'good', OK: 'good', Production: 'good', passed: 'good' },
  ...{ FAILED: 'bad', KILLED: 'bad', ERROR: 'bad' },
  ...{ RUNNING: 'busy', SCHEDULED: 'busy', IN_PROGRESS: 'busy', Staging: 'busy' },
};

export function Chip({ text, plain = false }: { readonly text: string; readonly plain?: boolean }) {
  const label = plain ? text : text.charAt(0) + text.slice(1).toLowerCase().replaceAll('_', ' ');
  return (
    <span class={`chip ${tones[text] ?? 'still'}`}>
      <span class="dot" aria-hidden="true" />
      {label}
    </span>
  );
}

export function Facts({ rows }: { readonly rows: readonly (readonly [string, ComponentChildren])[] }) {
  const shown = rows.filter(([, value]) => value !== undefined && value !== '' && value !== null && value !== false);
  return (
    <dl class="facts">
      {shown.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Copy({ text, label }: { readonly text: string; readonly label?: string }) {
  const [copied, setCopied] = useState(false);
  const act = async (): Promise<void> => {
    await navigator.clipboard?.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <button class="quiet" onClick={() => void act()} title={label ?? words.copy}>
      <Icon name={copied ? 'check' : 'copy'} />
      <span class="hidden">{copied ? words.copied : (label ?? words.copy)}</span>
    </button>
  );
}

export function Snippet({ text }: { readonly text: string }) {
  return (
    <div class="snippet">
      <pre tabIndex={0}>{text}</pre>
      <Copy text={text} />
    </div>
  );
}

export interface TabsProps {
  readonly tabs: readonly (readonly [id: string, label: string, count?: number | undefined])[];
  readonly chosen: string;
  readonly hrefOf: (id: string) => string;
}

/** Links, because each tab is an address. */
export function Tabs({ tabs, chosen, hrefOf }: TabsProps) {
  return (
    <nav class="tabs" aria-label={words.product}>
      {tabs.map(([id, label, count]) => (
        <a key={id} href={hrefOf(id)} aria-current={id === chosen ? 'page' : undefined}>
          {label}
          {count === undefined ? null : <span class="count">{count}</span>}
        </a>
      ))}
    </nav>
  );
}
