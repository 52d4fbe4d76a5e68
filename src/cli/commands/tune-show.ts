import { studyNamed } from '../../app/tuning/open-tune.ts';
import { ranked, studyReport, trialsOf, type StudyReport } from '../../app/tuning/read-studies.ts';
import { formatDuration, MlopsError, plural } from '../../base/index.ts';
import { parseSpec, trialOf, type TrialStore } from '../../tune/index.ts';
import type { Command, FlagSpec } from '../parse/command.ts';
import { withStore } from '../session/with-store.ts';
import { textTable } from '../tables/text-table.ts';
import { showParams, showValues, trialJson, trialTable } from '../tables/tune-tables.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { studyArg } from './tune-input.ts';

export const jsonFlag: FlagSpec = { name: 'json', summary: 'print JSON' };

/** Works with the studies of the place where the user stands. */
export function withStudies<Result>(
  terminal: Terminal,
  work: (studies: TrialStore) => Promise<Result>,
): Promise<Result> {
  return withStore(terminal, ({ studies }) => work(studies), { create: false });
}

export function trialCount({ counts }: StudyReport['summary']): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function reportJson({ row, spec, summary, best, state }: StudyReport): Record<string, unknown> {
  const { counts, running, firstStart, lastEnd } = summary;
  return {
    study: row.name,
    state,
    reason: row.reason,
    run_id: row.runId,
    created_at: row.createdAt,
    directions: spec.directions,
    objectives: spec.objectives,
    sampler: spec.sampler,
    pruner: spec.pruner,
    space: spec.space,
    trials: trialCount(summary),
    counts,
    running: running.map(({ number }) => number),
    best: best.map(trialJson),
    started_at: firstStart ?? null,
    ended_at: lastEnd ?? null,
  };
}

export const status: Command = {
  name: 'tune status',
  owner: 'mlops',
  summary: 'Say how far a study is',
  examples: [
    ['mlops tune status', 'the only study there is'],
    ['mlops tune status cnn-lr --json', 'for a program'],
  ],
  args: [studyArg],
  flags: [jsonFlag],
  run: (input, terminal) =>
    withStudies(terminal, async (studies) => {
      const report = await studyReport(studies, input.args[0]);
      if (input.on('json')) terminal.json(reportJson(report));
      else for (const line of reportLines(report)) terminal.print(line);
    }),
};

function reportLines({ row, spec, summary, best, state }: StudyReport): string[] {
  const { counts, running, firstStart, lastEnd } = summary;
  const total = trialCount(summary);
  const parts = Object.entries(counts).map(([name, count]) => `${count} ${name.toLowerCase()}`);
  const lines = [
    `${row.name}: ${state}${row.reason === '' ? '' : ` (${row.reason})`}`,
    `${plural(total, 'trial')}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`,
  ];
  if (running.length > 0 && state === 'running')
    lines.push(`running: ${running.map(({ number }) => number).join(', ')}`);
  if (firstStart !== undefined && lastEnd !== undefined) lines.push(`time: ${formatDuration(lastEnd - firstStart)}`);
  for (const trial of best.slice(0, 10)) {
    lines.push(`best: trial ${trial.number}, ${showValues(trial, spec)}  ${showParams(trial.params)}`);
  }
  if (best.length > 10) lines.push(`and ${best.length - 10} more on the front`);
  if (state === 'killed') lines.push(`its process is gone; go on: mlops tune resume ${row.name}`);
  return lines;
}

export const list: Command = {
  name: 'tune list',
  aliases: ['ls'],
  owner: 'mlops',
  summary: 'List the studies',
  examples: [['mlops tune list', 'with their state and best value']],
  flags: [jsonFlag],
  run: (input, terminal) =>
    withStudies(terminal, async (studies) => {
      const reports: StudyReport[] = [];
      for (const row of await studies.listStudies()) reports.push(await studyReport(studies, row.name));
      if (input.on('json')) {
        terminal.json(reports.map(reportJson));
        return;
      }
      if (reports.length === 0) terminal.note('there is no study; mlops tune run makes one');
      else {
        const rows = reports.map(({ row, spec, summary, best, state }) => [
          row.name,
          state,
          String(trialCount(summary)),
          best[0] === undefined
            ? '-'
            : spec.directions.length > 1
              ? `${best.length} on the front`
              : showValues(best[0], spec),
          spec.objectives.join(', '),
        ]);
        const header = ['STUDY', 'STATE', 'TRIALS', 'BEST', 'METRIC'].map((title) => ({ title, drop: 0 }));
        for (const line of textTable(header, rows, terminal.columns)) terminal.print(line);
      }
    }),
};

export const trials: Command = {
  name: 'tune trials',
  owner: 'mlops',
  summary: 'List the trials of a study',
  examples: [
    ['mlops tune trials', 'in the order in which they began'],
    ['mlops tune trials cnn-lr --best -n 10', 'the ten best'],
    ['mlops tune trials --state FAILED', 'what failed, and why'],
  ],
  args: [studyArg],
  flags: [
    { name: 'best', summary: 'complete trials only, the best first' },
    { name: 'state', value: 'STATE', choices: ['COMPLETE', 'PRUNED', 'FAILED', 'RUNNING'], summary: 'only these' },
    { name: 'number', short: 'n', value: 'N', integer: true, summary: 'at most so many' },
    jsonFlag,
  ],
  run: (input, terminal) =>
    withStudies(terminal, async (studies) => {
      const row = await studyNamed(studies, input.args[0]);
      const spec = parseSpec(row.spec, row.name);
      const all = await trialsOf(studies, row.name, (problem) => terminal.warn(problem.message));
      const chosen = input.on('best') ? ranked(all, spec) : all;
      const state = input.text('state');
      const shown = chosen
        .filter((trial) => state === undefined || trial.state === state)
        .slice(0, input.number('number'));
      if (input.on('json')) terminal.json(shown.map(trialJson));
      else if (shown.length === 0) terminal.note('no trials');
      else {
        const { header, rows } = trialTable(shown, spec);
        for (const line of textTable(header, rows, terminal.columns)) terminal.print(line);
      }
    }),
};

export const show: Command = {
  name: 'tune show',
  owner: 'mlops',
  summary: 'Show a study, or one of its trials',
  examples: [
    ['mlops tune show cnn-lr', 'what is searched and how'],
    ['mlops tune show cnn-lr 17', 'a trial with everything that is known of it'],
  ],
  args: [studyArg, { name: 'trial', summary: 'the number of a trial', optional: true }],
  flags: [jsonFlag],
  run: (input, terminal) =>
    withStudies(terminal, async (studies) => {
      const [first, second] = input.args;
      // A number alone is a trial of the only study.
      const alone =
        second === undefined &&
        first !== undefined &&
        /^\d+$/.test(first) &&
        (await studies.getStudy(first)) === undefined;
      const [name, number] = alone ? [undefined, first] : [first, second];
      const report = await studyReport(studies, name);
      if (number === undefined) {
        if (input.on('json')) terminal.json(reportJson(report));
        else for (const line of [...reportLines(report), ...specLines(report)]) terminal.print(line);
        return;
      }
      const [row] = /^\d{1,15}$/.test(number)
        ? await studies.listTrials(report.row.name, { from: Number(number), limit: 1 })
        : [];
      if (row?.number !== Number(number)) {
        throw new MlopsError('resource_missing', `study '${report.row.name}' has no trial ${number}`);
      }
      const trial = trialOf(row, report.row.name);
      if (input.on('json')) terminal.json(trialJson(trial));
      else {
        const { log, ...rest } = trialJson(trial);
        for (const [key, value] of Object.entries(rest)) {
          if (value !== null) terminal.print(`${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`);
        }
        if (typeof log === 'string') terminal.print(`log:\n${log.trimEnd()}`);
      }
    }),
};

function specLines({ spec }: StudyReport): string[] {
  return [
    `metrics: ${spec.objectives.map((name, i) => `${name} (${spec.directions[i]})`).join(', ')}`,
    `sampler: ${JSON.stringify(spec.sampler)}`,
    ...(spec.pruner === null ? [] : [`pruner: ${JSON.stringify(spec.pruner)}`]),
    ...Object.entries(spec.space).map(([name, domain]) => `  ${name}: ${JSON.stringify(domain)}`),
  ];
}

export const best: Command = {
  name: 'tune best',
  owner: 'mlops',
  summary: 'Show the best trial; of several objectives the Pareto front',
  examples: [
    ['mlops tune best', 'the best trial of the only study'],
    ['mlops tune best crops --json', 'all trials on the front'],
  ],
  args: [studyArg],
  flags: [jsonFlag],
  exits: { 1: 'no trial is complete and feasible' },
  run: (input, terminal) =>
    withStudies(terminal, async (studies) => {
      const report = await studyReport(studies, input.args[0]);
      const several = report.spec.directions.length > 1;
      if (input.on('json')) {
        const found = report.best.map(trialJson);
        terminal.json(several ? { study: report.row.name, trials: found } : { study: report.row.name, ...found[0] });
      } else {
        for (const trial of report.best) {
          terminal.print(`trial ${trial.number}: ${showValues(trial, report.spec)}`);
          for (const [name, value] of Object.entries(trial.params))
            terminal.print(`  ${name}: ${JSON.stringify(value)}`);
        }
      }
      if (report.best.length > 0) return 0;
      terminal.error('no trial is complete and feasible yet');
      return 1;
    }),
};
