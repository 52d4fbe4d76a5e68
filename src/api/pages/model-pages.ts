import { filterText } from '../../mlflow/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { html, timeText } from './html.ts';
import { chip, empty, facts, page, table } from './layout.ts';

const pageSize = 200;

export async function modelsPage(store: TrackingStore, prefix: string, token: string | undefined): Promise<string> {
  const found = await store.searchRegisteredModels({ maxResults: pageSize, pageToken: token });
  const rows = found.items.map((model) => [
    html`<a href="${prefix}/models/${encodeURIComponent(model.name)}">${model.name}</a>`,
    html`${String(model.latestVersions.reduce((a, { version }) => Math.max(a, Number(version)), 0) || '')}`,
    html`${model.latestVersions.filter(({ stage }) => stage !== 'None').map(({ stage, version }) => html`${chip(stage)} ${version} `)}`,
    html`${model.aliases.map(({ alias, version }) => `@${alias} ${version}`).join(', ')}`,
    html`${timeText(model.lastUpdatedTime)}`,
  ]);
  const list =
    rows.length === 0
      ? empty('No models yet. Register one with mlflow.register_model() or mlops models register.')
      : table(['Name', 'Newest version', 'Stages', 'Aliases', 'Changed (UTC)'], rows, ['Newest version']);
  const next =
    found.nextPageToken !== undefined &&
    html`<p class="more"><a href="${prefix}/models?page=${encodeURIComponent(found.nextPageToken)}">Next page</a></p>`;
  return page({ title: 'Models', section: 'models', prefix, body: html`${list}${next}` });
}

export async function modelPage(store: TrackingStore, prefix: string, name: string): Promise<string> {
  const model = await store.getRegisteredModel(name);
  const { items } = await store.searchModelVersions({
    filter: `name = ${filterText(name)}`,
    orderBy: ['version_number DESC'],
    maxResults: pageSize,
  });
  const aliases = (version: string): string =>
    model.aliases.flatMap((one) => (one.version === version ? [`@${one.alias}`] : [])).join(', ');
  const rows = items.map((version) => [
    html`${version.version}`,
    chip(version.stage),
    html`${aliases(version.version)}`,
    html`${timeText(version.creationTime)}`,
    html`<code>${version.source}</code>`,
    html`${version.description}`,
  ]);
  const body = html`${facts([
      ['Created', `${timeText(model.creationTime)} UTC`],
      ['Description', model.description],
      ['Tags', model.tags.map(({ key, value }) => `${key} = ${value}`).join(', ')],
    ])}
    <h2>Versions</h2>
    ${rows.length === 0 ? empty('No versions.') : table(['Version', 'Stage', 'Aliases', 'Made (UTC)', 'Source', 'Description'], rows, ['Version'])}`;
  return page({ title: name, section: 'models', prefix, crumbs: [['Models', '/models']], body });
}
