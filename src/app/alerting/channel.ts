import type { Notice } from '../../monitor/index.ts';

/** A way to tell somebody. */
export interface Channel {
  readonly name: string;
  /** Several notices are one message; otherwise each is one. */
  readonly grouped: boolean;
  /** One attempt. Throws when it cannot be known that the notices arrived. */
  send(notices: readonly Notice[], signal: AbortSignal): Promise<void>;
}

export interface ChannelPlaces {
  /** Folder of monitor.yaml. */
  readonly root: string;
  /** The only place that secrets come from. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** One line of text for people. */
export function headline({ state, severity, rule, model, text }: Notice): string {
  const what = state === 'resolved' ? 'resolved' : severity;
  return `[${what}] ${rule}${model === null ? '' : ` (${model})`}: ${text}`;
}

/** The subject of one message about several. */
export function subjectOf(notices: readonly Notice[]): string {
  const [first] = notices;
  if (first !== undefined && notices.length === 1) return headline(first);
  const firing = notices.filter(({ state }) => state === 'firing').length;
  const parts = [
    ...(firing > 0 ? [`${firing} firing`] : []),
    ...(firing < notices.length ? [`${notices.length - firing} resolved`] : []),
  ];
  return `${notices.length} alerts: ${parts.join(', ')}`;
}
