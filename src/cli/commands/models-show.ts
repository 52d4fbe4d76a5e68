import { metricsOf } from '../../app/registry/promote.ts';
import { modelNamed, readSelector, versionNamed, versionTag } from '../../app/registry/resolve-model.ts';
import { isServable } from '../../app/registry/servable.ts';
import { isMlopsError, mapPool, MlopsError } from '../../base/index.ts';
import { modelVersionToJson, registeredModelToJson, type ModelVersion } from '../../mlflow/index.ts';
import { parseMlModel } from '../../model/index.ts';
import { versionsOf, type TrackingStore } from '../../tracking/index.ts';
import type { Command, FlagSpec } from '../parse/command.ts';
import { textTable, type Column } from '../tables/text-table.ts';
import { withStore } from '../session/with-store.ts';
import { historyTable, servableWord, versionTable } from './models-tables.ts';
import { shortNumber, when } from './runs-tables.ts';
import { versionArgs } from './models-input.ts';

const json: FlagSpec = { name: 'json', summary: 'print JSON' };
const nameArgument = { name: 'name', summary: 'the model, or models:/NAME/SELECTOR', completes: 'model' } as const;

export const show: Command = {
  name: 'models show',
  owner: 'mlops',
  summary: 'Show a model with its versions, or one version in detail',
  examples: [
    ['mlops models show digits', 'the model and its versions'],
    ['mlops models show digits Production', 'the version in production'],
  ],
  args: versionArgs,
  flags: [json],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const [word = '', selector] = input.args;
        if (selector !== undefined || /^models:|@/.test(word)) {
          const version = await versionNamed(store, readSelector(word, selector));
          if (input.on('json')) return terminal.json(modelVersionToJson(version));
          for (const line of await versionDetails(store, version)) terminal.print(line);
          return;
        }
        const model = await modelNamed(store, word);
        const versions = await versionsOf(store, model.name);
        if (input.on('json')) {
          return terminal.json({ ...registeredModelToJson(model), versions: versions.map(modelVersionToJson) });
        }
        terminal.print(`${model.name}${model.description === '' ? '' : `: ${model.description}`}`);
        if (model.tags.length > 0) terminal.print(model.tags.map(({ key, value }) => `${key}=${value}`).join('  '));
        const servable = await mapPool(versions, 8, (version) => isServable(store, version));
        for (const line of versionTable(versions, servable, terminal.columns)) terminal.print(line);
      },
      { create: false },
    ),
};

async function versionDetails(store: TrackingStore, version: ModelVersion): Promise<string[]> {
  const servable = servableWord(await isServable(store, version));
  const reason = versionTag(version, 'mlops.reason');
  const signature = await signatureOf(store, version);
  const metrics = [...(await metricsOf(store, version))].filter(([key]) => !key.startsWith('stage_seconds.'));
  const facts: [string, string | undefined][] = [
    ['model', `${version.name} version ${version.version}`],
    ['stage', version.stage],
    ['aliases', version.aliases.join(', ')],
    ['registered', `${when(version.creationTime)}${version.userId === '' ? '' : ` by ${version.userId}`}`],
    ['about', version.description],
    ['source', version.source],
    ['run', version.runId],
    ['made by', versionTag(version, 'mlops.stage')],
    ['commit', versionTag(version, 'mlops.git.commit')],
    ['file', versionTag(version, 'mlops.path')],
    ['md5', versionTag(version, 'mlops.md5')],
    ['flavors', versionTag(version, 'mlops.flavors')],
    ['servable', servable === 'no' && reason !== undefined ? `no: ${reason}` : servable],
    ['inputs', signature?.inputs],
    ['outputs', signature?.outputs],
    ['metrics', metrics.map(([key, value]) => `${key}=${shortNumber(value)}`).join('  ')],
    ['tags', ownTags(version)],
  ];
  return facts
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => `${key.padEnd(10)}  ${value}`);
}

function ownTags(version: ModelVersion): string {
  const own = version.tags.filter(({ key }) => !/^ml(?:ops|flow)\./.test(key));
  return own.map(({ key, value }) => `${key}=${value}`).join('  ');
}

async function signatureOf(
  store: TrackingStore,
  version: ModelVersion,
): Promise<{ inputs: string; outputs: string } | undefined> {
  try {
    const files = store.artifacts(await store.getDownloadUri(version.name, version.version));
    const { signature } = await parseMlModel(Buffer.from(await files.get('MLmodel')).toString('utf8'), 'MLmodel');
    if (signature === undefined) return undefined;
    const text = (side: unknown): string => (typeof side === 'string' ? side : JSON.stringify(side ?? []));
    return { inputs: text(signature.inputs), outputs: text(signature.outputs) };
  } catch (error) {
    // Files that are out of reach, or no model folder: everything else is still worth showing.
    if (isMlopsError(error)) return undefined;
    throw error;
  }
}

export const compare: Command = {
  name: 'models compare',
  owner: 'mlops',
  summary: 'Lay versions of a model side by side',
  examples: [
    ['mlops models compare digits', 'the two newest versions'],
    ['mlops models compare digits Production 3', 'what is in production beside version 3'],
  ],
  args: [
    nameArgument,
    { name: 'version', completes: 'version', summary: 'versions, stages or aliases', optional: true, variadic: true },
  ],
  flags: [{ name: 'all', summary: 'also what is the same in all' }, json],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const [word = '', ...selectors] = input.args;
        const { name } = await modelNamed(store, word);
        const versions =
          selectors.length === 0
            ? (await versionsOf(store, name)).slice(0, 2).toReversed()
            : await Promise.all(selectors.map((selector) => versionNamed(store, { name, selector })));
        if (versions.length < 2) throw new MlopsError('usage', `${name} has no two versions to compare`);
        const metrics = await Promise.all(versions.map((version) => metricsOf(store, version)));
        const servable = await mapPool(versions, 8, (version) => isServable(store, version));
        const rows = comparedRows(versions, metrics, servable).filter(
          (row) => input.on('all') || new Set(row.slice(1)).size > 1,
        );
        if (input.on('json')) {
          return terminal.json(
            versions.map((version, i) => ({
              ...modelVersionToJson(version),
              metrics: Object.fromEntries(metrics[i] ?? []),
            })),
          );
        }
        const header: Column[] = [
          { title: name, drop: 0 },
          ...versions.map((version, i): Column => ({
            title: `version ${version.version}`,
            align: 'right',
            drop: i + 1,
          })),
        ];
        for (const line of textTable(header, rows, terminal.columns)) terminal.print(line);
      },
      { create: false },
    ),
};

function comparedRows(
  versions: readonly ModelVersion[],
  metrics: readonly ReadonlyMap<string, number>[],
  servable: readonly (boolean | undefined)[],
): string[][] {
  const tag = (key: string, title: string): string[] => [
    title,
    ...versions.map((one) => versionTag(one, key)?.slice(0, 12) ?? '-'),
  ];
  const keys = [...new Set(metrics.flatMap((map) => [...map.keys()]))]
    .filter((key) => !key.startsWith('stage_seconds.'))
    .sort();
  return [
    ['stage', ...versions.map((version) => version.stage)],
    ['aliases', ...versions.map((version) => version.aliases.join(' '))],
    ['run', ...versions.map((version) => version.runId.slice(0, 8))],
    tag('mlops.md5', 'md5'),
    tag('mlops.git.commit', 'commit'),
    ['servable', ...servable.map((one) => servableWord(one) ?? '-')],
    ...keys.map((key) => [key, ...metrics.map((map) => shortNumber(map.get(key)))]),
  ];
}

export const history: Command = {
  name: 'models history',
  owner: 'mlops',
  summary: 'Show who moved which version, when and why',
  examples: [['mlops models history digits', 'the audit trail of a model']],
  args: [nameArgument, { name: 'version', completes: 'version', summary: 'only of this version', optional: true }],
  flags: [json],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const [name = '', version] = input.args;
        const entries = await store.promotions(name, version);
        if (entries.length === 0) await modelNamed(store, name);
        if (input.on('json')) return terminal.json(entries);
        for (const line of historyTable(entries, terminal.columns)) terminal.print(line);
      },
      { create: false },
    ),
};
