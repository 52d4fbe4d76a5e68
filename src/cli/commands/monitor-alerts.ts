import { testChannels } from '../../app/alerting/test-channels.ts';
import { didYouMean, MlopsError, plural } from '../../base/index.ts';
import type { Alert } from '../../monitor/index.ts';
import type { Command } from '../parse/command.ts';
import { textTable } from '../tables/text-table.ts';
import { userName } from './models-input.ts';
import { logFlag } from './monitor-input.ts';
import { configFlag, spanFlag, withAlerting } from './monitor-watch.ts';

const states = ['pending', 'firing', 'resolved'] as const;
const json = { name: 'json', summary: 'print JSON' } as const;

const listCommand: Command = {
  name: 'monitor alerts list',
  owner: 'mlops',
  summary: 'List alerts, those that ring first',
  examples: [
    ['mlops monitor alerts list', 'all that is known'],
    ['mlops monitor alerts list --state firing --json', 'what rings, for scripts'],
  ],
  flags: [{ name: 'state', value: 'STATE', summary: 'only these', choices: states }, json],
  run: (input, terminal) =>
    withAlerting(input, terminal, async ({ book }) => {
      const state = input.text('state');
      const order = (alert: Alert): number => ['firing', 'pending', 'resolved'].indexOf(alert.state);
      const all = (await book.alerts()).filter((alert) => state === undefined || alert.state === state);
      const alerts = all.sort((a, b) => order(a) - order(b));
      if (input.on('json')) return terminal.json(alerts);
      const silences = await book.silences(Date.now());
      for (const { rule, until, reason } of silences) {
        terminal.note(`'${rule}' is silent until ${shortTime(until)}${reason === '' ? '' : `: ${reason}`}`);
      }
      if (alerts.length === 0) return terminal.note('no alerts');
      const rows = alerts.map((alert) => [
        alert.id.slice(0, 8),
        alert.acknowledged === null ? alert.state : `${alert.state} (seen)`,
        alert.rule,
        alert.model ?? '',
        shortTime(alert.resolved_at ?? alert.firing_since ?? alert.pending_since),
        alert.text,
      ]);
      const header = [
        { title: 'Id', drop: 0 },
        { title: 'State', drop: 0 },
        { title: 'Rule', drop: 0 },
        { title: 'Model' },
        { title: 'Since', drop: 3 },
        { title: 'What', drop: 2 },
      ] as const;
      for (const line of textTable(header, rows, terminal.columns)) terminal.print(line);
    }),
};

const idArg = { name: 'id', summary: 'of the alert, or its beginning' } as const;

const showCommand: Command = {
  name: 'monitor alerts show',
  owner: 'mlops',
  summary: 'Show an alert, and who was told of it',
  examples: [['mlops monitor alerts show 1b9d6bcd', 'by the beginning of its id']],
  args: [idArg],
  flags: [json],
  run: (input, terminal) =>
    withAlerting(input, terminal, async ({ book }) => {
      const alert = await book.alert(input.args[0] ?? '');
      if (input.on('json')) return terminal.json(alert);
      const { deliveries, acknowledged, ...facts } = alert;
      for (const [name, value] of Object.entries(facts))
        if (value !== null) terminal.print(`${name.padEnd(14)} ${value}`);
      if (acknowledged !== null) terminal.print(`${'seen'.padEnd(14)} ${acknowledged.at} by ${acknowledged.by}`);
      for (const { channel, notice, state, attempts, problem } of deliveries) {
        const why = problem === null ? '' : `: ${problem}`;
        terminal.print(`${channel.padEnd(14)} ${notice}: ${state} after ${plural(attempts, 'attempt')}${why}`);
      }
    }),
};

const ackCommand: Command = {
  name: 'monitor alerts ack',
  owner: 'mlops',
  summary: 'Mark an alert as seen by you',
  examples: [['mlops monitor alerts ack 1b9d6bcd', 'others see that you know']],
  args: [idArg],
  run: (input, terminal) =>
    withAlerting(input, terminal, async ({ book }) => {
      const alert = await book.acknowledge(input.args[0] ?? '', userName(terminal), Date.now());
      terminal.note(`${alert.rule} is marked as seen`);
    }),
};

const silenceCommand: Command = {
  name: 'monitor alerts silence',
  owner: 'mlops',
  summary: 'Keep the alerts of a rule quiet for a while',
  description:
    'Nothing is told while a silence lasts; what still fires when it ends is told then. `*` stands for all rules.',
  examples: [
    ['mlops monitor alerts silence drift --for 2h --reason "known, retraining"', 'two hours of quiet'],
    ['mlops monitor alerts silence drift --off', 'loud again'],
  ],
  args: [{ name: 'rule', summary: 'its name in monitor.yaml, or *' }],
  flags: [
    { name: 'for', value: 'TIME', summary: 'how long: 30m, 1h, 7d', default: '1h' },
    { name: 'reason', value: 'TEXT', summary: 'why, for others' },
    { name: 'off', summary: 'end the silences of this rule' },
  ],
  run: (input, terminal) =>
    withAlerting(input, terminal, async (alerting) => {
      const { book } = alerting;
      const [rule = ''] = input.args;
      const names = alerting.settings().settings.alerts.rules.map(({ name }) => name);
      if (rule !== '*' && !names.includes(rule)) {
        const hint = didYouMean(rule, names) ?? `rules: ${names.join(', ')}`;
        throw new MlopsError('usage', `monitor.yaml has no rule '${rule}'`, { hint });
      }
      if (input.on('off')) return terminal.note(`ended ${plural(await book.unsilence(rule, Date.now()), 'silence')}`);
      const span = spanFlag(input, 'for') ?? 3_600_000;
      const until = new Date(Date.now() + span).toISOString();
      await book.silence({ rule, until, reason: input.text('reason') ?? '', by: userName(terminal) });
      terminal.note(`'${rule}' is silent until ${shortTime(until)}`);
    }),
};

const testCommand: Command = {
  name: 'monitor alerts test',
  owner: 'mlops',
  summary: 'Send a test notice through all channels, or one',
  examples: [
    ['mlops monitor alerts test', 'through all channels of monitor.yaml'],
    ['mlops monitor alerts test mail', 'through one'],
  ],
  args: [{ name: 'channel', summary: 'its name in monitor.yaml', optional: true }],
  flags: [json],
  exits: { 1: 'a channel did not take it' },
  run: (input, terminal) =>
    withAlerting(input, terminal, async (alerting) => {
      const results = await testChannels(alerting.channels(), input.args[0]);
      if (input.on('json')) terminal.json(results);
      else if (results.length === 0) terminal.note('monitor.yaml has no channels');
      else for (const { channel, problem } of results) terminal.print(`${channel}: ${problem ?? 'took it'}`);
      return results.some(({ problem }) => problem !== null) ? 1 : 0;
    }),
};

export const alertCommands: readonly Command[] = [
  listCommand,
  showCommand,
  ackCommand,
  silenceCommand,
  testCommand,
].map((command) => ({ ...command, flags: [...(command.flags ?? []), configFlag, logFlag] }));

const shortTime = (iso: string): string => iso.slice(0, 16).replace('T', ' ');
