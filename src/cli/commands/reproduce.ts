import {
  reproduceRun,
  type Comparison,
  type EnvironmentDifference,
  type Reproduction,
} from '../../app/lineage/reproduce.ts';
import { runNamed } from '../../app/places/find-runs.ts';
import { readSelector, versionNamed, versionTag } from '../../app/registry/resolve-model.ts';
import { MlopsError, plural } from '../../base/index.ts';
import type { Run } from '../../mlflow/index.ts';
import type { ReproEvent } from '../../repo/pipeline/repro-events.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import type { Command } from '../parse/command.ts';
import { withPlaces } from '../session/lineage-places.ts';
import { textTable } from '../tables/text-table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { judging, logFlag, logOf } from './monitor-input.ts';

export const verb: Command = {
  name: 'reproduce',
  owner: 'mlops',
  summary: 'Run again what made a model or a run, and compare what comes out',
  description:
    'In a copy of the project at the commit of the run, with the changes that it kept; data come from the cache or a remote, stages run without the run cache, nothing is recorded and the workspace stays as it is. What differs between the machine of then and this one is told first.',
  examples: [
    ['mlops reproduce models:/digits/Production', 'the stage that made the model, and what it needs'],
    ['mlops reproduce latest --compare metrics:0.001', 'a run whose numbers may differ a little'],
  ],
  args: [{ name: 'thing', summary: 'models:/NAME/SELECTOR, or a run', completes: 'run' }],
  flags: [
    {
      name: 'compare',
      value: 'HOW',
      summary: 'bitwise: every output by its md5 (default); metrics:TOL: numbers that may differ by TOL',
    },
    { name: 'json', summary: 'print JSON' },
    logFlag,
  ],
  exits: { 1: 'something else came out', 2: 'it cannot be run again' },
  run: (input, terminal) =>
    judging(async () => {
      const compare = comparisonOf(input.text('compare') ?? 'bitwise');
      const asJson = input.on('json');
      const found = await withPlaces(terminal, logOf(input, terminal), async ({ repo, store }) => {
        if (repo === undefined || store === undefined) {
          throw new MlopsError('not_a_project', 'a run is reproduced in its project, where it was recorded');
        }
        const { run, targets } = await whatRan(store, input.args[0] ?? '');
        return reproduceRun(
          run,
          { repo, store },
          {
            targets,
            compare,
            env: terminal.env,
            signal: terminal.signal,
            onProgress: terminal.progress,
            onEvent: (event) => tell(event, terminal),
            onEnvironment: (differences) => tellEnvironment(differences, terminal),
          },
        );
      });
      if (asJson) terminal.json(found);
      else for (const line of lines(found, compare, terminal.columns)) terminal.print(line);
      return found.same ? 0 : 1;
    }),
};

function comparisonOf(text: string): Comparison {
  if (text === 'bitwise') return 'bitwise';
  const [, tolerance] = /^metrics:([\d.eE+-]{1,30})$/.exec(text) ?? [];
  if (tolerance !== undefined && Number(tolerance) >= 0) return { tolerance: Number(tolerance) };
  throw new MlopsError('usage', `--compare: '${text}' is neither bitwise nor metrics:TOL`, {
    hint: 'as in metrics:0.001',
  });
}

async function whatRan(store: TrackingStore, thing: string): Promise<{ run: Run; targets: string[] }> {
  if (!thing.startsWith('models:/')) return { run: await runNamed(store, thing.replace(/^runs:\/+/, '')), targets: [] };
  const version = await versionNamed(store, readSelector(thing));
  if (version.runId === '') {
    throw new MlopsError('not_reproducible', `models:/${version.name}/${version.version} was registered without a run`);
  }
  const stage = versionTag(version, 'mlops.stage');
  return { run: await store.getRun(version.runId), targets: stage === undefined ? [] : [stage] };
}

function tell(event: ReproEvent, terminal: Terminal): void {
  if (event.kind === 'running') terminal.note(`running ${event.stage.address}`);
  else if (event.kind === 'output') terminal.writeError(event.chunk);
  else if (event.kind === 'warning') terminal.warn(event.message);
}

function tellEnvironment(differences: readonly EnvironmentDifference[], terminal: Terminal): void {
  for (const { name, was, now } of differences.slice(0, 20)) {
    terminal.note(`${name} was ${cut(was)}, and is ${cut(now)} here`);
  }
  if (differences.length > 20)
    terminal.note(`and ${differences.length - 20} other differences of the machine: see --json`);
}

const cut = (text = 'absent'): string => (text.length > 60 ? `${text.slice(0, 59)}…` : text);

function lines(found: Reproduction, compare: Comparison, columns: number): string[] {
  const { outs, metrics, parts, same, commit, patched } = found;
  const where = `${commit.slice(0, 12)}${patched ? ' with its patch' : ''}`;
  const different = outs.filter((out) => !out.same);
  const outTable =
    different.length === 0
      ? []
      : textTable(
          [{ title: 'STAGE' }, { title: 'OUTPUT', drop: 0 }, { title: 'THEN' }, { title: 'NOW' }],
          different.map((out) => [out.stage, out.path, out.was ?? '', out.now ?? 'not made']),
          columns,
        );
  const odd = metrics.filter((metric) => !metric.same);
  const metricTable =
    odd.length === 0
      ? []
      : textTable(
          [
            { title: 'METRIC', drop: 0 },
            { title: 'THEN', align: 'right' },
            { title: 'NOW', align: 'right' },
          ],
          odd.map(({ metric, was, now }) => [metric, String(was), now === undefined ? 'absent' : String(now)]),
          columns,
        );
  const count = compare === 'bitwise' ? plural(outs.length, 'output') : plural(metrics.length, 'metric');
  const verdict = same ? `Reproduced at ${where}: ${count} as before` : `Not reproduced at ${where}`;
  const parting =
    parts === undefined ? [] : [`It parts at stage ${parts}: what it read is the same, what it made is not`];
  return [verdict, ...parting, ...outTable, ...metricTable];
}
