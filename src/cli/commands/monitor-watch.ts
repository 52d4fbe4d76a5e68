import * as path from 'node:path';

import { look, type LookOptions, type LookResult } from '../../app/alerting/look.ts';
import { openAlerting, type Alerting } from '../../app/alerting/open-alerting.ts';
import { runOnAlert } from '../../app/alerting/run-on-alert.ts';
import { watch } from '../../app/alerting/watch.ts';
import { formatDuration, MlopsError, plural } from '../../base/index.ts';
import { spanOf, type Alert } from '../../monitor/index.ts';
import type { Command, FlagSpec, Input } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { userName } from './models-input.ts';
import { logFlag, logOf } from './monitor-input.ts';

export const configFlag: FlagSpec = {
  name: 'config',
  value: 'FILE',
  summary: 'instead of the monitor.yaml of the project',
  completes: 'path',
};

/** Opens what alerts need, hands it over, and closes it whatever happens. */
export async function withAlerting<Result>(
  input: Input,
  terminal: Terminal,
  work: (alerting: Alerting) => Promise<Result>,
): Promise<Result> {
  const config = input.text('config');
  const alerting = await openAlerting({
    cwd: terminal.cwd,
    env: terminal.env,
    log: logOf(input, terminal),
    config: config === undefined ? undefined : path.resolve(terminal.cwd, config),
    signal: terminal.signal,
  });
  try {
    return await work(alerting);
  } finally {
    await alerting.close();
  }
}

/** `--every 6h`. @throws MlopsError `usage` */
export function spanFlag(input: Input, flag: string): number | undefined {
  const text = input.text(flag);
  if (text === undefined) return undefined;
  const span = spanOf(text);
  if (span !== undefined && span > 0) return span;
  throw new MlopsError('usage', `--${flag} '${text}' is no time span`, { hint: 'write 30s, 15m, 6h or 7d' });
}

export const watchCommand: Command = {
  name: 'monitor watch',
  owner: 'mlops',
  summary: 'Watch drift, performance, errors and latency, and tell who is to know',
  description:
    'Judges the rules of monitor.yaml. An alert is told once when it fires and once when it is over, under one id; what a channel did not take is sent again later, also after this process was killed. SIGTERM and Ctrl-C stop it. `--once` looks once, for cron and CI; docs/monitoring.md has unit files.',
  examples: [
    ['mlops monitor watch --every 6h', 'stays and looks every six hours'],
    ['mlops monitor watch --once', 'looks once; exit status 1 when something fires'],
  ],
  flags: [
    { name: 'every', value: 'TIME', summary: 'time between two looks (interval of monitor.yaml, 6h)' },
    { name: 'once', summary: 'look once and end' },
    configFlag,
    logFlag,
    { name: 'json', summary: 'print what was found as JSON, a line per look' },
  ],
  exits: { 0: 'nothing fires', 1: 'something fires (--once)', 2: 'the command or monitor.yaml is wrong' },
  run: (input, terminal) =>
    withAlerting(input, terminal, async (alerting) => {
      const found = alerting.settings();
      const every = spanFlag(input, 'every') ?? found.settings.interval;
      const options: LookOptions = {
        found,
        places: alerting.places,
        book: alerting.book,
        folder: alerting.folder,
        channels: alerting.channels(),
        now: Date.now,
        signal: terminal.signal,
        onTrouble: (line) => terminal.warn(line),
      };
      const onBegun = (alert: Alert, signal: AbortSignal) => runFor(alert, alerting, terminal, signal);
      if (!input.on('once')) {
        if (every === 0) throw new MlopsError('usage', 'interval is no time span', { hint: 'write 15m, 6h or 7d' });
        terminal.note(`looking every ${formatDuration(every)}; stop with Ctrl-C`);
        const onLook = (result: LookResult): void => show(result, input, terminal);
        await watch({ ...options, signal: terminal.signal, interval: every, onLook, onBegun });
        return 0;
      }
      const result = await look(options);
      show(result, input, terminal);
      for (const alert of result.begun) await onBegun(alert, terminal.signal);
      if (result.alerts.some(({ state }) => state === 'firing')) return 1;
      // A rule that could not be judged at all is no good news.
      return result.looked.problems.length > 0 ? 2 : 0;
    }),
};

async function runFor(alert: Alert, alerting: Alerting, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const found = alerting.settings();
  const rule = found.settings.alerts.rules.find(({ name }) => name === alert.rule);
  if (rule?.run === undefined) return;
  await runOnAlert({ name: rule.name, run: rule.run, budget: rule.budget }, alert, {
    store: alerting.store,
    root: found.root,
    folder: alerting.folder,
    env: terminal.env,
    remote: alerting.remote,
    user: userName(terminal),
    now: Date.now,
    signal,
    onNote: (line) => terminal.note(line),
  });
}

function show({ alerts, begun, ended, waiting, looked }: LookResult, input: Input, terminal: Terminal): void {
  if (input.on('json')) {
    const { drift, performance, problems } = looked;
    return terminal.json({ at: new Date().toISOString(), alerts, waiting, drift, performance, problems });
  }
  for (const alert of ended) terminal.print(`resolved  ${lineOf(alert)}`);
  const fresh = new Set(begun.map(({ id }) => id));
  const firing = alerts.filter(({ state }) => state === 'firing');
  for (const alert of firing) terminal.print(`${fresh.has(alert.id) ? 'firing   ' : 'still    '} ${lineOf(alert)}`);
  for (const alert of alerts.filter(({ state }) => state === 'pending')) terminal.print(`pending   ${lineOf(alert)}`);
  const unknown = looked.observations.filter(({ met }) => met === undefined);
  for (const { rule, text } of unknown) terminal.note(`${rule.name}: ${text}`);
  const rules = plural(looked.observations.length, 'check');
  terminal.note(
    `${rules}, ${firing.length} firing${waiting > 0 ? `, ${plural(waiting, 'notice')} not delivered yet` : ''}`,
  );
}

const lineOf = ({ rule, model, text, id }: Alert): string =>
  `${rule}${model === null ? '' : ` (${model})`}: ${text} [${id.slice(0, 8)}]`;
