import { recordedRepro } from '../../app/recording/repro.ts';
import { formatDuration, plural } from '../../base/index.ts';
import type { Stage } from '../../project/index.ts';
import { reproText, type ReproEvent } from '../../repo/pipeline/repro-events.ts';
import type { ReproResult } from '../../repo/pipeline/repro.ts';
import { changeLines } from '../tables/change-lines.ts';
import type { FlagSpec, Input, Verb } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { say, sayGitAdd, targetsArg, withRepo } from '../session/data-session.ts';
import { StageBoard } from '../terminal/stage-board.ts';
import { StageOutput } from '../terminal/stage-output.ts';

/** Flags that `exp run` has too. */
export const reproFlags: readonly FlagSpec[] = [
  { name: 'force', short: 'f', summary: 'run stages even if nothing changed' },
  { name: 'interactive', short: 'i', summary: 'ask before each stage' },
  { name: 'single-item', short: 's', summary: 'only the named stages, not what they need' },
  { name: 'pipeline', short: 'p', summary: 'the whole pipelines that the targets belong to' },
  { name: 'all-pipelines', short: 'P', summary: 'all pipelines of the project' },
  { name: 'recursive', short: 'R', summary: 'all stages below the folders among the targets' },
  { name: 'downstream', summary: 'the targets and what depends on them' },
  { name: 'force-downstream', summary: 'run what depends on a changed stage even if nothing changed there' },
  { name: 'pull', summary: 'fetch what is missing from the remote' },
  { name: 'allow-missing', summary: 'pass over stages whose data is only missing' },
  { name: 'dry', aliases: ['dry-run'], summary: 'show what would run and do nothing' },
  { name: 'explain', summary: 'with --dry or without: say what changed in each stage' },
  { name: 'keep-going', short: 'k', summary: 'after a failure, go on with stages that do not need it' },
  { name: 'ignore-errors', summary: 'after a failure, go on with all stages' },
];

export const verb: Verb = {
  name: 'repro',
  owner: 'dvc',
  stream: true,
  summary: 'Run the stages of the pipeline that changed, and record the run',
  description:
    'Compares commands, deps, params and outs with dvc.lock, runs what differs in the order of the graph, and records the run with its params, metrics and lineage in the tracking store.',
  examples: [
    ['mlops repro', 'run what changed'],
    ['mlops repro train', 'one stage and what it needs'],
    ['mlops repro -j 4', 'independent stages side by side'],
    ['mlops repro --dry --explain', 'what would run, and why'],
  ],
  args: [targetsArg],
  flags: [
    ...reproFlags,
    { name: 'glob', summary: 'targets are patterns' },
    { name: 'no-commit', summary: 'leave outputs out of the cache' },
    { name: 'no-run-cache', summary: 'do not take outputs from former runs' },
    { name: 'no-record', summary: 'record nothing' },
    {
      name: 'jobs',
      short: 'j',
      value: 'N',
      integer: true,
      summary: 'stages at a time',
      default: '1',
      env: 'MLOPS_JOBS',
    },
  ],
  async run(input, terminal) {
    const startedAt = Date.now();
    const jobs = Math.max(1, input.number('jobs') ?? 1);
    const view = new ReproView(terminal, jobs > 1, input.on('explain'));
    await withRepo(terminal, async (repo) => {
      const result = await recordedRepro(repo, {
        ...reproOptions(input),
        glob: input.on('glob'),
        noCommit: input.on('no-commit'),
        noRunCache: input.on('no-run-cache'),
        jobs,
        // A person at a terminal sees commands as if run by hand, progress bars and all.
        output: terminal.stdoutIsTty && terminal.stderrIsTty && jobs === 1 && !input.on('json') ? 'inherit' : 'pipe',
        command: ['mlops repro', ...input.args].join(' '),
        record: input.on('no-record') ? false : undefined,
        env: terminal.env,
        ...(input.on('interactive') ? { confirm: (question) => terminal.confirm(question, { must: true }) } : {}),
        signal: terminal.signal,
        onEvent: (event) => view.show(event),
        ...(view.isLive ? {} : { onProgress: terminal.progress }),
        onWarning: (message) => view.show({ kind: 'warning', message }),
      }).finally(() => view.close());
      finish(result, view, terminal, Date.now() - startedAt);
    });
  },
};

/** What the flags say, as the core takes it; `exp run` has the same ones. */
export function reproOptions(input: Input) {
  const onError: 'fail' | 'keep-going' | 'ignore' = input.on('ignore-errors')
    ? 'ignore'
    : input.on('keep-going')
      ? 'keep-going'
      : 'fail';
  return {
    targets: input.args,
    force: input.on('force'),
    single: input.on('single-item'),
    pipeline: input.on('pipeline'),
    allPipelines: input.on('all-pipelines'),
    recursive: input.on('recursive'),
    downstream: input.on('downstream'),
    forceDownstream: input.on('force-downstream'),
    pull: input.on('pull'),
    allowMissing: input.on('allow-missing'),
    dry: input.on('dry'),
    explain: input.on('explain'),
    onError,
  };
}

/** Shows events as DVC does on stdout; what is ours (why, failures that are passed over, the summary) on stderr. */
export class ReproView {
  readonly #terminal: Terminal;
  readonly #output: StageOutput;
  readonly #explain: boolean;
  readonly #parallel: boolean;
  readonly #board: StageBoard | undefined;
  readonly #groups: boolean;
  #worked = 0;
  ran = 0;
  cached = 0;
  unchanged = 0;

  constructor(terminal: Terminal, parallel: boolean, explain: boolean) {
    this.#explain = explain;
    this.#parallel = parallel;
    this.#terminal = terminal;
    this.#output = new StageOutput((bytes) => terminal.write(bytes), parallel);
    // Side by side their lines mix, and carry names.
    this.#groups = !parallel && terminal.env['GITHUB_ACTIONS'] === 'true' && !terminal.asDvc;
    this.#board = parallel && showsBoard(terminal) ? openBoard(terminal) : undefined;
  }

  /** Whether a board of the stages stands below the output. */
  get isLive(): boolean {
    return this.#board !== undefined;
  }

  /** Milliseconds that side by side took less than one after the other would have. */
  saved(elapsed: number): number {
    return Math.max(0, this.#worked - elapsed);
  }

  close(): void {
    this.#board?.close();
  }

  show(event: ReproEvent): void {
    this.#terminal.event(eventOf(event));
    this.#board?.take(event);
    if (this.#board === undefined) this.#say(event);
    else this.#board.above(() => this.#say(event));
  }

  #say(event: ReproEvent): void {
    this.#count(event);
    if (this.#groups && event.kind === 'running') this.#terminal.writeError(`::group::${event.stage.address}\n`);
    if (this.#groups && (event.kind === 'done' || event.kind === 'failed')) this.#terminal.writeError('::endgroup::\n');
    if (this.#groups && event.kind === 'failed')
      this.#terminal.writeError(`::error::${firstLine(event.error.message)}\n`);
    if (event.kind === 'output') {
      if (event.stream === 'stderr' && !this.#parallel) this.#terminal.writeError(event.chunk);
      else this.#output.chunk(event.stage.address, event.chunk);
    } else if (event.kind === 'warning') this.#terminal.warn(event.message);
    else if (event.kind === 'changed') this.#why(event);
    else if (event.kind === 'uncertain')
      this.#terminal.note(
        `${event.stage.address} would run: it may change, since ${names(event.since)} would run before it`,
      );
    else if (event.kind === 'failed') this.#failed(event);
    else if (event.kind === 'blocked')
      this.#terminal.warn(`not run, since they need what failed: ${names(event.stages)}`);
    else {
      const text = reproText(event);
      if (text === undefined) return;
      const prefix = event.kind === 'command' ? this.#output.prefix(event.stage.address) : '';
      say(this.#terminal, `${prefix}${text}`);
    }
  }

  #why(event: Extract<ReproEvent, { kind: 'changed' }>): void {
    if (!this.#explain) return;
    for (const line of event.changes.flatMap(changeLines)) this.#terminal.note(`  ${event.stage.address}: ${line}`);
  }

  #failed(event: Extract<ReproEvent, { kind: 'failed' }>): void {
    this.#output.end(event.stage.address);
    this.#terminal.warn(`${event.error.message}${event.ignored ? ' (ignored)' : ''}`);
  }

  #count(event: ReproEvent): void {
    if (event.kind === 'unchanged') this.unchanged++;
    if (event.kind !== 'done') return;
    this.#output.end(event.stage.address);
    if (event.how === 'ran') {
      this.ran++;
      this.#worked += event.milliseconds;
    } else this.cached++;
  }
}

/** As GitHub's commands want it: one line, percent signs escaped. */
function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').replaceAll('%', '%25');
}

/** An event as `--json` prints it. */
function eventOf(event: ReproEvent): { readonly event: string; readonly [fact: string]: unknown } {
  const name = event.kind.replaceAll('-', '_');
  switch (event.kind) {
    case 'plan':
      return { event: name, stages: event.stages.map(({ address }) => address) };
    case 'gap':
      return { event: name };
    case 'blocked':
      return { event: name, stages: event.stages.map(({ address }) => address) };
    case 'uncertain':
      return { event: name, stage: event.stage.address, since: event.since.map(({ address }) => address) };
    case 'changed':
      return { event: name, stage: event.stage.address, changes: event.changes.flatMap(changeLines) };
    case 'command':
      return { event: name, stage: event.stage.address, command: event.line };
    case 'output':
      return {
        event: name,
        stage: event.stage.address,
        stream: event.stream,
        text: Buffer.from(event.chunk).toString(),
      };
    case 'lock-generated':
    case 'lock-updated':
      return { event: name, file: event.file };
    case 'done':
      return { event: name, stage: event.stage.address, how: event.how, milliseconds: Math.round(event.milliseconds) };
    case 'failed':
      return { event: name, stage: event.stage.address, message: event.error.message, ignored: event.ignored };
    case 'warning':
      return { event: name, message: event.message };
    default:
      return { event: name, stage: event.stage.address };
  }
}

function names(stages: readonly Stage[]): string {
  return stages.map((stage) => stage.address).join(', ');
}

/** Below a tenth of a second it is not worth a word. */
function sideBySide(saved: number): string {
  return saved < 100 ? '' : `; side by side saved ${formatDuration(saved)}`;
}

/** On a terminal that people look at, and where nothing else is drawn at its bottom. */
function showsBoard(terminal: Terminal): boolean {
  const { env } = terminal;
  const inCi = (env['CI'] ?? '') !== '' && env['CI'] !== 'false';
  const forPeople = terminal.stdoutIsTty && terminal.stderrIsTty && env['TERM'] !== 'dumb' && !inCi;
  return forPeople && !terminal.quiet && !terminal.asDvc && terminal.verbosity === 0;
}

function openBoard(terminal: Terminal): StageBoard {
  return new StageBoard({
    write: (text) => terminal.writeError(text),
    columns: () => terminal.errorSize().columns,
    rows: () => terminal.errorSize().rows,
    style: terminal.style,
  });
}

function finish(result: ReproResult, view: ReproView, terminal: Terminal, elapsed: number): void {
  const counts = { ran: view.ran, cached: view.cached, unchanged: view.unchanged };
  terminal.event({ event: 'result', ...counts, run_id: result.runId ?? null });
  if (result.stages.length === 0) say(terminal, 'Data and pipelines are up to date.');
  else {
    sayGitAdd(terminal, result.gitFiles);
    say(terminal, 'Use `dvc push` to send your updates to remote storage.');
  }
  if (view.ran + view.cached === 0) return;
  const parts = [plural(view.ran, 'stage') + ' ran', `${view.cached} from the cache`, `${view.unchanged} unchanged`];
  terminal.note(
    terminal.style.dim(`${parts.join(', ')}, in ${formatDuration(elapsed)}${sideBySide(view.saved(elapsed))}`),
  );
  if (result.runId !== undefined)
    terminal.next(`recorded as run ${result.runId}: mlops runs show ${result.runId.slice(0, 8)}`);
}
