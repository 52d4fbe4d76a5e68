import { gapsOf, madeHere, type LineageGraph, type LineageNode } from '../../lineage/index.ts';
import type { ModelVersion, Run } from '../../mlflow/index.ts';
import { parseMlModel } from '../../model/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import type { Environment } from '../recording/environment.ts';
import { readRecordedRun } from '../recording/provenance.ts';
import { metricsOf } from '../registry/promote.ts';
import { signatureOf, signatureWords, trustedKeys } from '../registry/model-signature.ts';
import { lineage } from './lineage.ts';
import type { Places } from './name-thing.ts';

/**
 * A model card in Markdown, of what is recorded alone: version, metrics, signature, data, how it was made, what is not
 * known.
 */
export async function modelCard(
  version: ModelVersion,
  places: Places & { readonly store: TrackingStore },
  signal: AbortSignal,
): Promise<string> {
  const { store, cwd } = places;
  const { name, version: number } = version;
  const graph = await lineage(`models:/${name}/${number}`, places, { direction: 'up', remotes: false, signal });
  const model = await store.getRegisteredModel(name);
  const run = version.runId === '' ? undefined : await store.getRun(version.runId).catch(() => undefined);
  const metrics = await metricsOf(store, version);
  const signature = signatureWords(await signatureOf(store, version, trustedKeys(cwd)));
  const parts = [
    `# ${text(name)}, version ${number}`,
    ...[version.description, model.description].filter((one) => one !== '').slice(0, 1),
    table(
      ['', ''],
      [
        ['Registered', new Date(version.creationTime).toISOString()],
        ['By', version.userId],
        ['Stage', version.stage],
        ['Aliases', version.aliases.join(', ')],
        ['Run', version.runId],
        ['Signed', signature],
      ],
    ),
    section(
      'Metrics',
      table(
        ['Metric', 'Value'],
        [...metrics].filter(([key]) => !key.startsWith('stage_seconds.')).map(([key, value]) => [key, String(value)]),
      ),
    ),
    section('Inputs and outputs', await schemaTable(store, version)),
    section('Data', dataTable(graph)),
    section('How it was made', making(graph)),
    section('Environment', run === undefined ? '' : await environmentOf(store, run)),
    section(
      'Not known',
      gapsOf(graph)
        .map(({ gap }) => `- ${text(gap)}`)
        .join('\n'),
    ),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** What no one made here: data that was added or imported, and where it came from. */
function dataTable(graph: LineageGraph): string {
  const { nodes, edges } = graph;
  const made = madeHere(graph);
  const sources = new Map(
    edges.flatMap(({ from, to, relation }) => (relation === 'import' ? [[to, from] as const] : [])),
  );
  const roots = nodes.filter(({ id, kind, facts }) => kind === 'data' && !made.has(id) && facts['git'] === undefined);
  const rows = roots.map((node) => [
    node.name,
    String(node.facts['md5'] ?? ''),
    originOf(node, sources.get(node.id), nodes),
  ]);
  return table(['File', 'md5', 'From'], rows);
}

function originOf(node: LineageNode, source: string | undefined, nodes: readonly LineageNode[]): string {
  const found = nodes.find(({ id }) => id === source);
  return found?.name ?? String(node.facts['tracked_by'] ?? 'not known');
}

function making({ nodes }: LineageGraph): string {
  const commit = nodes.find(({ kind }) => kind === 'commit');
  const stages = nodes.filter(({ kind }) => kind === 'stage').toReversed();
  const blocks = stages.map(({ name, facts }) => {
    const command = [facts['cmd'] ?? ''].flat().map(String).join('\n');
    const params = Object.entries((facts['params'] ?? {}) as Record<string, Record<string, unknown>>).flatMap(
      ([file, values]) =>
        Object.entries(values).map(([key, value]) => [
          file,
          key,
          typeof value === 'string' ? value : JSON.stringify(value),
        ]),
    );
    const fence = '`'.repeat(Math.max(3, ...Array.from(command.matchAll(/`+/g), ([run]) => run.length + 1)));
    return [`### Stage ${text(name)}`, `${fence}sh\n${command}\n${fence}`, table(['File', 'Param', 'Value'], params)]
      .filter((part) => part !== '')
      .join('\n\n');
  });
  const dirty = commit?.facts['dirty'] === true ? ', with changes that were not committed' : '';
  const code = commit === undefined ? [] : [`Commit \`${String(commit.facts['commit'])}\`${dirty}.`];
  return [...code, ...blocks].join('\n\n');
}

async function schemaTable(store: TrackingStore, version: ModelVersion): Promise<string> {
  const artifacts = store.artifacts(await store.getDownloadUri(version.name, version.version));
  if (!(await artifacts.list('')).some(({ path }) => path === 'MLmodel')) return '';
  const { signature } = await parseMlModel(Buffer.from(await artifacts.get('MLmodel')).toString('utf8'), 'MLmodel');
  const rows = (['inputs', 'outputs'] as const).flatMap((side) => {
    const columns = JSON.parse(signature?.[side] ?? '[]') as readonly unknown[];
    return columns.map((column) => [side.slice(0, -1), JSON.stringify(column)]);
  });
  return table(['', 'Schema'], rows);
}

async function environmentOf(store: TrackingStore, run: Run): Promise<string> {
  const recorded = await readRecordedRun(store.artifacts(run.info.artifactUri));
  const environment: Environment | undefined = recorded?.provenance?.environment;
  if (environment === undefined) return '';
  const { node, platform, os, cpu, python, variables } = environment;
  return table(
    ['', ''],
    [
      ['Node', node],
      ['Python', python?.version ?? ''],
      ['Platform', `${platform}, ${os}`],
      ['Processor', `${cpu.model} × ${cpu.count}`],
      ...Object.entries(variables),
    ],
  );
}

function section(title: string, body: string): string {
  return body === '' ? '' : `## ${title}\n\n${body}`;
}

/** Rows without a value are left out. */
function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const kept = rows.filter((row) => row.at(-1) !== '');
  if (kept.length === 0) return '';
  const line = (cells: readonly string[]): string => `| ${cells.map(text).join(' | ')} |`;
  return [line(header), `|${header.map(() => '---|').join('')}`, ...kept.map(line)].join('\n');
}

/** What was typed by people must neither end a cell nor become markup. */
function text(value: string): string {
  return value.replaceAll(/[\\`*_[\]<>|#]/g, String.raw`\$&`).replaceAll(/\s+/g, ' ');
}
