import * as fs from 'node:fs';
import * as path from 'node:path';

import { needRule, ruledName, ruleJson, setTraffic, trafficHistory } from '../../app/traffic/rules.ts';
import { isSystemError, messageOf, MlopsError } from '../../base/index.ts';
import { clearRule, type KeptRule } from '../../serve/index.ts';
import type { Command, FlagSpec, Verb } from '../parse/command.ts';
import { withStore } from '../session/with-store.ts';
import { textTable } from '../tables/text-table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { userName } from './models-input.ts';
import { plan, report } from './traffic-report.ts';

const json: FlagSpec = { name: 'json', summary: 'print JSON' };
const reason: FlagSpec = { name: 'reason', short: 'm', value: 'TEXT', summary: 'why, for the history' };
const nameArg = { name: 'name', summary: 'the registered model', completes: 'model' } as const;

const set: Command = {
  name: 'traffic set',
  owner: 'mlops',
  summary: 'Divide the requests for a model between versions',
  description:
    'All servers of the registry follow within a second. Kinds: split (weights), canary (a new version in steps), shadow (copies that are compared and never answered), thompson and epsilon (what earns more gets more). A refused rule changes nothing. See docs/traffic.md.',
  examples: [
    [
      `mlops traffic set yield --rule '{"kind": "split", "arms": [{"name": "a", "version": "1"}, {"name": "b", "version": "2"}], "sticky": {"header": "X-User"}}'`,
      'half of the users each',
    ],
    ['mlops traffic set yield --rule @rule.json -m "try the new weather data"', 'from a file'],
  ],
  args: [nameArg],
  flags: [{ name: 'rule', value: 'JSON|@FILE', summary: 'the rule, or a file that holds it' }, reason, json],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const rule = ruleIn(input.text('rule'), terminal);
        const motive = { by: userName(terminal), why: input.text('reason') };
        const kept = await setTraffic(store, input.args[0] ?? '', rule, motive);
        if (input.on('json')) return terminal.json(ruleJson(kept));
        printRule(kept, terminal);
        terminal.next(`mlops traffic report ${kept.model}`);
      },
      { create: false },
    ),
};

/** @throws MlopsError `usage`, `invalid_value` for what is no JSON. */
function ruleIn(text: string | undefined, terminal: Terminal): unknown {
  if (text === undefined) {
    throw new MlopsError('usage', 'which rule?', {
      hint: `add --rule '{"kind": "split", "arms": [...]}' or --rule @FILE`,
    });
  }
  const content = text.startsWith('@') ? fileText(path.resolve(terminal.cwd, text.slice(1))) : text;
  try {
    return JSON.parse(content);
  } catch (error) {
    throw new MlopsError('invalid_value', `the rule is no JSON: ${messageOf(error)}`, { cause: error });
  }
}

function fileText(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new MlopsError('usage', `'${file}' cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

const show: Command = {
  name: 'traffic show',
  owner: 'mlops',
  summary: 'Show the rule that divides the requests for a model',
  examples: [['mlops traffic show yield', 'its arms, with the share of each now']],
  args: [nameArg],
  flags: [json],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const kept = await needRule(store, input.args[0] ?? '');
        if (input.on('json')) terminal.json(ruleJson(kept));
        else printRule(kept, terminal);
      },
      { create: false },
    ),
};

function printRule(kept: KeptRule, terminal: Terminal): void {
  const { arms, set_at: at, by, why } = ruleJson(kept);
  const { rule, state } = kept;
  terminal.print(`${kept.model}: ${rule.kind}, set ${at} by ${by}${why === '' ? '' : ` (${why})`}`);
  if (rule.sticky !== undefined) {
    terminal.print(
      `  sticky by ${Object.entries(rule.sticky)
        .map(([what, name]) => `${what} ${name}`)
        .join()}`,
    );
  }
  for (const { name, version, share } of arms) {
    const percent = share === null ? '' : `  ${Math.round(share * 1000) / 10} %`;
    terminal.print(`  ${name}  version ${version}${percent}`);
  }
  if (state.ended !== undefined) terminal.print(`  ended by ${state.ended}: ${state.why ?? ''}`);
  else if (rule.steps !== undefined) terminal.print(`  step ${state.step + 1} of ${rule.steps.length}`);
}

const clear: Command = {
  name: 'traffic clear',
  owner: 'mlops',
  summary: 'Take the rule of a model away: its default version answers all',
  examples: [['mlops traffic clear yield --yes -m "version 2 it is"', 'without asking']],
  args: [nameArg],
  flags: [{ name: 'yes', short: 'y', summary: 'do not ask' }, reason, json],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const name = await ruledName(store, input.args[0] ?? '');
        const sure = input.on('yes') || (await terminal.confirm(`take the rule of '${name}' away?`, { must: true }));
        if (!sure) return 1;
        const gone = await clearRule(store.traffic, name, { by: userName(terminal), why: input.text('reason') });
        if (input.on('json')) terminal.json({ model: name, rule: null, cleared: gone });
        else terminal.note(gone ? `no rule divides the requests for '${name}' any more` : `'${name}' has no rule`);
        return 0;
      },
      { create: false },
    ),
};

const history: Command = {
  name: 'traffic history',
  owner: 'mlops',
  summary: 'Show who changed the rule of a model, when and why',
  examples: [['mlops traffic history yield --json', 'with each rule, to set one again']],
  args: [nameArg],
  flags: [json],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const changes = await trafficHistory(store, input.args[0] ?? '');
        if (input.on('json')) return terminal.json(changes);
        if (changes.length === 0) return terminal.note('there never was a rule');
        const rows = changes.map(({ n, kind, at, by, why, rule }) => [
          String(n),
          at,
          kind,
          rule === null ? '' : `${rule.kind} of ${rule.arms.map((arm) => arm.name).join(', ')}`,
          by,
          why,
        ]);
        const header = [
          { title: 'No', drop: 0 },
          { title: 'At', drop: 0 },
          { title: 'What', drop: 0 },
          { title: 'Rule', drop: 1 },
          { title: 'By', drop: 2 },
          { title: 'Why', drop: 3 },
        ] as const;
        for (const line of textTable(header, rows, terminal.columns)) terminal.print(line);
      },
      { create: false },
    ),
};

export const verb: Verb = {
  name: 'traffic',
  summary: 'Divide requests between versions of a model, and compare them',
  commands: [set, show, clear, history, report, plan],
};
