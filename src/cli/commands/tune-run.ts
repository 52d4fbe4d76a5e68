import { trackingPlace } from '../../app/places/tracking-home.ts';
import { settingsOf, studyNamed } from '../../app/tuning/open-tune.ts';
import { promoteBest } from '../../app/tuning/promote-best.ts';
import { readTune } from '../../app/tuning/read-tune.ts';
import type { TuneSettings } from '../../app/tuning/settings.ts';
import { tuneStudy, type TuneBegin, type TuneOutcome } from '../../app/tuning/tune-study.ts';
import { didYouMean, MlopsError, plural } from '../../base/index.ts';
import { parseSpec, type FullTrial, type StudyEvent } from '../../tune/index.ts';
import type { Command, FlagSpec, Input } from '../parse/command.ts';
import { countStates, showNumber, showParams, showValues, took, trialJson } from '../tables/tune-tables.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { TrialBoard } from '../terminal/trial-board.ts';
import { countFlag, flagsOf, studyArg, timeFlag, tuneFlags } from './tune-input.ts';
import { withStudies } from './tune-show.ts';

const promoteFlags: readonly FlagSpec[] = [
  {
    name: 'promote-best',
    value: 'NAME',
    summary: "at the end, register the best trial's model, and promote it if it is better",
  },
  { name: 'model', value: 'PATH', summary: 'with --promote-best: the output that holds the model', completes: 'path' },
  { name: 'stage', value: 'STAGE', summary: 'with --promote-best: where it is promoted to', default: 'Production' },
  { name: 'require', value: 'METRIC>=X', repeat: 'each', summary: 'with --promote-best: a threshold to meet' },
];

const jsonFlag: FlagSpec = { name: 'json', summary: 'print the outcome as JSON' };

export const run: Command = {
  name: 'tune run',
  owner: 'mlops',
  summary: 'Search parameters: each trial runs the pipeline or a command in a worktree',
  description:
    'Reads tune.yaml, whose keys are all flags too. Each trial works in a copy of the project with links to the cache, never in the workspace; stages that trials have in common run once; each is a run below the one of the study. A study of that name goes on: what was running when it was killed is run again, and nothing else differs. docs/tuning.md describes the file.',
  examples: [
    ['mlops tune run', 'what tune.yaml describes'],
    [
      "mlops tune run -S 'train.lr=log(1e-5,1e-1)' -S 'train.opt=choice(sgd,adam)' -n 50 -j 2 --metric metrics.json:val.acc --max",
      'the pipeline, without a file',
    ],
    ["mlops tune run -S 'lr=float(0,1)' --metric stdout:loss -- python train.py --lr '${lr}'", 'a command'],
  ],
  args: [{ name: 'targets', summary: 'stages of the pipeline', optional: true, variadic: true, completes: 'stage' }],
  passthrough: true,
  flags: [
    ...tuneFlags,
    { name: 'extend', summary: 'take over a changed space' },
    ...promoteFlags,
    { name: 'show-output', summary: 'show what trials print' },
    jsonFlag,
  ],
  exits: {
    1: 'the study failed: too many failed trials, no trial complete, or a gate was not passed',
    130: 'interrupted',
  },
  run: (input, terminal) => {
    const { root } = trackingPlace(terminal.cwd, terminal.env);
    return search(input, terminal, readTune(root, flagsOf(input, input.args)), input.on('extend'));
  },
};

/** `mlops tune -S ...`; `others` are what a word that is no command may have meant. */
export const bareTune = (others: readonly Command[]): Command => ({
  ...run,
  name: 'tune',
  hidden: true,
  run(input, terminal) {
    const [word] = input.args;
    if (word !== undefined) {
      const names = others.map(({ name }) => name.slice('tune '.length));
      throw new MlopsError('usage', `there is no command 'tune ${word}'`, {
        hint: didYouMean(word, names) ?? 'see `mlops tune --help`',
      });
    }
    return run.run(input, terminal);
  },
});

export const resume: Command = {
  name: 'tune resume',
  owner: 'mlops',
  summary: 'Go on with a study as it was run last',
  examples: [
    ['mlops tune resume', 'the only study there is'],
    ['mlops tune resume cnn-lr -n 200 -j 4', 'up to more trials, four at a time'],
  ],
  args: [studyArg],
  flags: [
    ...tuneFlags.filter(({ name }) => ['trials', 'parallel', 'timeout'].includes(name)),
    ...promoteFlags,
    { name: 'show-output', summary: 'show what trials print' },
    jsonFlag,
  ],
  exits: { 1: 'the study failed', 130: 'interrupted' },
  async run(input, terminal) {
    const settings = await withStudies(terminal, async (studies) => {
      const row = await studyNamed(studies, input.args[0]);
      return settingsOf(parseSpec(row.spec, row.name));
    });
    return search(input, terminal, {
      ...settings,
      trials: countFlag(input, 'trials') ?? settings.trials,
      parallel: countFlag(input, 'parallel') ?? settings.parallel,
      timeout: timeFlag(input, 'timeout') ?? settings.timeout,
    });
  },
};

async function search(input: Input, terminal: Terminal, settings: TuneSettings, extend = false): Promise<number> {
  const view = new StudyView(terminal, input.on('json'));
  let begun: TuneBegin | undefined;
  let outcome: TuneOutcome;
  try {
    outcome = await tuneStudy(settings, {
      cwd: terminal.cwd,
      env: terminal.env,
      signal: terminal.signal,
      extend,
      onBegin(study) {
        begun = study;
        view.begin(study);
      },
      onEvent: (event) => view.show(event),
      onOutput: input.on('show-output') ? (number, chunk) => view.output(number, chunk) : undefined,
      onWarning: (message) => view.above(() => terminal.warn(message)),
    });
  } finally {
    view.close();
  }
  const { done, best, trials } = outcome;
  if (input.on('json')) terminal.json(outcomeJson(outcome, terminal.signal.aborted));
  else sayOutcome(terminal, outcome, begun);
  if (terminal.signal.aborted) return 130;
  if (done?.good === false || (best.length === 0 && trials.length > 0)) return 1;
  const [first] = best;
  const name = input.text('promote-best');
  if (name === undefined || begun === undefined || first === undefined || done === undefined) return 0;
  const { version, checks } = await promoteBest(begun.study, first, settings, {
    name,
    model: input.text('model'),
    stage: input.text('stage') ?? 'Production',
    require: input.list('require'),
    cwd: terminal.cwd,
    env: terminal.env,
  });
  for (const check of checks) terminal.note(`  ok  ${check.text}`);
  terminal.note(`${version.name} version ${version.version} of trial ${first.number} is in ${version.stage}`);
  return 0;
}

function outcomeJson({ study, runId, done, best, trials }: TuneOutcome, interrupted: boolean): Record<string, unknown> {
  return {
    study,
    run_id: runId,
    state: done === undefined ? 'STOPPED' : done.good ? 'FINISHED' : 'FAILED',
    reason: done?.reason ?? (interrupted ? 'interrupted' : 'stopped'),
    trials: trials.length,
    counts: countStates(trials),
    best: best.map(trialJson),
  };
}

function sayOutcome(
  terminal: Terminal,
  { study, done, best, trials }: TuneOutcome,
  begun: TuneBegin | undefined,
): void {
  const spec = begun?.study.spec;
  const why = done?.reason ?? (terminal.signal.aborted ? 'interrupted' : 'stopped');
  terminal.print(`${study}: ${plural(trials.length, 'trial')}, ${why}`);
  if (spec === undefined) return;
  for (const trial of best) {
    terminal.print(
      `best: trial ${trial.number}, ${spec.objectives.length === 1 ? `${spec.objectives[0]} ` : ''}${showValues(trial, spec)}`,
    );
    terminal.print(`  ${showParams(trial.params)}`);
  }
  if (best.length === 0) terminal.print('no trial is complete');
  const failed = trials.findLast(({ state }) => state === 'FAILED');
  if (best.length === 0 && failed !== undefined) {
    terminal.error(`trial ${failed.number}: ${failed.facts.reason ?? 'failed'}`);
    if (failed.facts.log !== undefined) terminal.error(failed.facts.log.trimEnd());
  }
  if (done === undefined) terminal.next(`go on: mlops tune resume ${study}`);
  else if (best.length > 0)
    terminal.next(
      `take the best params over: mlops tune apply ${study}`,
      `look at it: mlops tune plot all ${study} -o study.html`,
    );
}

/** What is shown while a study runs: a board on a terminal, a line for each trial elsewhere. */
class StudyView {
  readonly #terminal: Terminal;
  readonly #json: boolean;
  #board: TrialBoard | undefined;
  #begun: TuneBegin | undefined;

  constructor(terminal: Terminal, json: boolean) {
    this.#terminal = terminal;
    this.#json = json;
  }

  begin(begun: TuneBegin): void {
    this.#begun = begun;
    const { study, resumed, others, lost, taken, limits } = begun;
    const terminal = this.#terminal;
    if (others > 0)
      terminal.note(`works on study ${study.name} beside ${plural(others, 'other process', 'other processes')}`);
    else if (resumed) terminal.note(`study ${study.name} goes on after ${plural(study.trials.length, 'trial')}`);
    if (lost.length > 0) terminal.note(`run again, because their process went away: trial ${lost.join(', ')}`);
    if (taken > 0) terminal.note(`begins with ${plural(taken, 'trial')} made elsewhere`);
    if (!terminal.stderrIsTty || this.#json || terminal.quiet) return;
    this.#board = new TrialBoard(
      {
        write: (text) => terminal.writeError(text),
        columns: () => terminal.errorSize().columns,
        rows: () => terminal.errorSize().rows,
        style: terminal.style,
      },
      () => {
        const counts = countStates(study.view.trials);
        const [best] = study.best();
        const shown =
          best === undefined
            ? undefined
            : `${showValues(best, study.spec)} (trial ${best.number}: ${showParams(best.params)})`;
        return { name: study.name, made: study.made, total: limits.trials, counts, best: shown };
      },
    );
  }

  show(event: StudyEvent): void {
    if (event.kind === 'reported') {
      this.#board?.report(event.number, `step ${event.step}: ${showNumber(event.value)}`);
      return;
    }
    const { trial } = event;
    if (event.kind !== 'ended') this.#board?.start(trial.number, showParams(trial.params));
    else {
      this.#board?.end(trial.number);
      this.above(() => this.#line(trial));
    }
  }

  output(number: number, chunk: Uint8Array): void {
    const text = Buffer.from(chunk).toString('utf8').trimEnd();
    this.above(() => this.#terminal.note(text.replace(/^/gm, `${number} | `)));
  }

  above(work: () => void): void {
    if (this.#board === undefined) work();
    else this.#board.above(work);
  }

  close(): void {
    this.#board?.close();
  }

  #line(trial: FullTrial): void {
    const spec = this.#begun?.study.spec;
    if (spec === undefined) return;
    const { number, state, params, facts } = trial;
    const value = state === 'COMPLETE' ? ` ${showValues(trial, spec)}` : '';
    const why = facts.reason === undefined ? '' : `  (${facts.reason})`;
    const text = `trial ${number}: ${state}${value}  ${showParams(params)}  ${took(trial)}${why}`;
    if (this.#json) this.#terminal.note(text);
    else if (!this.#terminal.quiet) this.#terminal.print(text);
  }
}
