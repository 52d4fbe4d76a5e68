import { trafficReport, type ArmReport, type TrafficReport } from '../../app/traffic/report.ts';
import { MlopsError, parseNumber } from '../../base/index.ts';
import { sampleSize } from '../../monitor/index.ts';
import type { Command, FlagSpec, Input } from '../parse/command.ts';
import { withStore } from '../session/with-store.ts';
import { textTable } from '../tables/text-table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { logFlag, logOf } from './monitor-input.ts';

const json: FlagSpec = { name: 'json', summary: 'print JSON' };
const alphaFlag: FlagSpec = {
  name: 'alpha',
  value: 'SHARE',
  summary: 'how often a difference may be found where there is none',
  default: '0.05',
};

export const report: Command = {
  name: 'traffic report',
  owner: 'mlops',
  summary: 'Compare the arms of the rule that was set last',
  description:
    'Requests, errors and times are from the counters of all servers, outcomes from the feedback in the prediction log. The line "at any time" is a sequential test: it holds however often one looks.',
  examples: [
    ['mlops traffic report yield', 'what is known so far, and the verdict'],
    ['mlops traffic report yield --json', 'every test, for scripts'],
  ],
  args: [{ name: 'name', summary: 'the registered model', completes: 'model' }],
  flags: [alphaFlag, logFlag, json],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const alpha = numberFlag(input, 'alpha');
        if (!(alpha > 0 && alpha < 1)) throw new MlopsError('usage', `--alpha ${alpha} is not between 0 and 1`);
        const found = await trafficReport(store, input.args[0] ?? '', { log: logOf(input, terminal), alpha });
        if (input.on('json')) terminal.json(found);
        else printReport(found, alpha, terminal);
      },
      { create: false },
    ),
};

function printReport(
  { model, kind, since, holds, arms, ...found }: TrafficReport,
  alpha: number,
  terminal: Terminal,
): void {
  terminal.print(`${model}: ${kind} since ${since}${holds ? '' : ', over by now'}`);
  const header = [
    { title: 'Arm', drop: 0 },
    { title: 'Version', drop: 0 },
    { title: 'Requests', drop: 0, align: 'right' },
    { title: 'Errors', drop: 0, align: 'right' },
    { title: 'p50 ms', drop: 2, align: 'right' },
    { title: 'p95 ms', drop: 1, align: 'right' },
    { title: 'Outcomes', drop: 1 },
  ] as const;
  for (const line of textTable(header, arms.map(armRow), terminal.columns)) terminal.print(line);
  for (const { name, trouble } of arms)
    if (trouble !== undefined) terminal.warn(`'${name}' gets no requests: ${trouble}`);
  for (const { metric, arms: pair, ...tests } of found.comparisons) {
    const { welch, proportions, mannwhitney, sequential } = tests;
    const [first, second] = pair;
    terminal.print(`${metric}: ${second} against ${first}`);
    const told = proportions ?? welch;
    if (told !== null)
      terminal.print(`  difference      ${short(told.difference)}  [${told.ci.map(short).join(', ')}]`);
    if (proportions !== null) terminal.print(`  two proportions p = ${short(proportions.p)}`);
    if (welch !== null) terminal.print(`  Welch's t       p = ${short(welch.p)}`);
    if (mannwhitney !== null) terminal.print(`  Mann-Whitney    p = ${short(mannwhitney.p)}`);
    if (sequential === null) continue;
    const { p, difference } = sequential;
    const verdict = p < alpha ? `'${second}' is ${difference > 0 ? 'higher' : 'lower'}` : 'not decided yet';
    terminal.print(`  at any time     p = ${short(p)}: ${verdict}`);
  }
  if (found.comparisons.length === 0) terminal.note('no outcomes yet: send them to POST /feedback');
  const { p } = found.srm;
  if (p !== null && p < 0.001) {
    terminal.warn(
      `requests do not fall as the weights say (p = ${short(p)}): find out why before you believe a difference`,
    );
  }
  if (kind === 'shadow') {
    const { compared, equal, dropped } = found.shadow;
    terminal.print(`shadow: ${equal} of ${compared} answers equal, ${dropped} copies dropped`);
  }
}

function armRow({ name, version, n, errors, latency_ms: latency, outcomes }: ArmReport): string[] {
  const told = Object.entries(outcomes).map(([metric, one]) => `${metric} ${short(one.mean)} (${one.n})`);
  const time = (value: number | null): string => (value === null ? '' : short(value));
  return [name, version, String(n), String(errors), time(latency.p50), time(latency.p95), told.join(', ')];
}

function short(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(4))) : value < 0 ? '-∞' : '∞';
}

export const plan: Command = {
  name: 'traffic plan',
  owner: 'mlops',
  summary: 'Say how many requests each of two arms needs',
  examples: [
    ['mlops traffic plan --baseline 0.1 --effect 0.02', 'to tell a rate of 10 % from one of 12 %'],
    ['mlops traffic plan --baseline 50 --effect 1 --deviation 8 --power 0.9', 'to tell means apart'],
  ],
  flags: [
    { name: 'baseline', value: 'NUMBER', summary: 'the rate of the old arm, or its mean' },
    { name: 'effect', value: 'NUMBER', summary: 'the difference to be found' },
    { name: 'deviation', value: 'NUMBER', summary: 'the standard deviation, where the baseline is a mean' },
    alphaFlag,
    { name: 'power', value: 'SHARE', summary: 'how often a difference of that size is to be found', default: '0.8' },
    json,
  ],
  run: (input, terminal) => {
    const deviation = input.text('deviation') === undefined ? undefined : numberFlag(input, 'deviation');
    const options = {
      ...{ baseline: numberFlag(input, 'baseline'), effect: numberFlag(input, 'effect'), deviation },
      ...{ alpha: numberFlag(input, 'alpha'), power: numberFlag(input, 'power') },
    };
    const exact = sampleSize(options);
    const needed = Math.ceil(exact);
    if (input.on('json')) return terminal.json({ n_per_arm: needed, exact, ...options });
    terminal.print(`${needed} in each arm`);
  },
};

/** @throws MlopsError `usage`. */
function numberFlag(input: Input, flag: string): number {
  const text = input.text(flag);
  if (text === undefined) throw new MlopsError('usage', `--${flag} is missing`);
  const value = parseNumber(text);
  if (value === undefined) throw new MlopsError('usage', `--${flag} '${text}' is no number`);
  return value;
}
