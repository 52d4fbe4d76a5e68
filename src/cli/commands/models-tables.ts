import type { ModelVersion, RegisteredModel, Stage } from '../../mlflow/index.ts';
import type { Promotion } from '../../tracking/index.ts';
import { textTable } from '../tables/text-table.ts';
import { when } from './runs-tables.ts';

export function modelTable(models: readonly RegisteredModel[], columns: number): string[] {
  const header = [
    { title: 'MODEL', drop: 0 },
    { title: 'LATEST', align: 'right' as const, drop: 0 },
    { title: 'PRODUCTION', align: 'right' as const, drop: 1 },
    { title: 'STAGING', align: 'right' as const, drop: 2 },
    { title: 'ALIASES', drop: 3 },
    { title: 'UPDATED', drop: 4 },
  ];
  const rows = models.map((model) => {
    const of = (stage: Stage): string => model.latestVersions.find((one) => one.stage === stage)?.version ?? '-';
    const newest = Math.max(0, ...model.latestVersions.map((one) => Number(one.version)));
    return [
      model.name,
      newest === 0 ? '-' : String(newest),
      of('Production'),
      of('Staging'),
      model.aliases.map((one) => `${one.alias}=${one.version}`).join(' '),
      when(model.lastUpdatedTime),
    ];
  });
  return textTable(header, rows, columns);
}

/** `yes`, `no`, or undefined where that is not known. */
export function servableWord(servable: boolean | undefined): string | undefined {
  return servable === undefined ? undefined : servable ? 'yes' : 'no';
}

export function versionTable(
  versions: readonly ModelVersion[],
  servable: readonly (boolean | undefined)[],
  columns: number,
): string[] {
  const header = [
    { title: 'VERSION', align: 'right' as const, drop: 0 },
    { title: 'STAGE', drop: 0 },
    { title: 'ALIASES', drop: 2 },
    { title: 'SERVABLE', drop: 3 },
    { title: 'RUN', drop: 1 },
    { title: 'REGISTERED', drop: 4 },
  ];
  const rows = versions.map((version, i) => [
    version.version,
    version.stage,
    version.aliases.join(' '),
    servableWord(servable[i]) ?? '-',
    version.runId.slice(0, 8) || '-',
    when(version.creationTime),
  ]);
  return textTable(header, rows, columns);
}

export function historyTable(entries: readonly Promotion[], columns: number): string[] {
  const header = [
    { title: 'WHEN', drop: 1 },
    { title: 'VERSION', align: 'right' as const, drop: 0 },
    { title: 'WHAT', drop: 0 },
    { title: 'BY', drop: 2 },
    { title: 'WHY', drop: 0 },
  ];
  const rows = entries.map((entry) => [when(entry.at), entry.version, act(entry), entry.by || '-', entry.why]);
  return textTable(header, rows, columns);
}

function act({ kind, from, to }: Promotion): string {
  if (kind === 'register') return 'registered';
  if (kind === 'delete') return `deleted (${from})`;
  if (kind === 'stage') return `${from} -> ${to}`;
  if (to === '') return `alias ${from} deleted`;
  return from === '' ? `alias ${to}` : `alias ${to}, was ${from}`;
}
