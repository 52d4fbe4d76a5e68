import { get, mlflow } from '../kit/api.ts';
import { useAsk } from '../kit/ask.ts';
import { agoText, timeText } from '../kit/format.ts';
import type { RegisteredModel } from '../kit/mlflow.ts';
import { Chip, Empty, Failure, Loading } from '../kit/parts.tsx';
import { href, setQuery, type Route } from '../kit/route.ts';
import { windowOf } from '../table/window.ts';
import { words } from '../words.ts';
import { useState } from 'preact/hooks';

const rowHeight = 38;
const most = 10_000;

export function ModelsPage({ route }: { readonly route: Route }) {
  const wanted = route.query.get('filter') ?? '';
  const [top, setTop] = useState(0);
  const { data, error } = useAsk('models', allModels);
  const { models } = words;
  const rows = (data ?? []).filter(({ name }) => name.toLowerCase().includes(wanted.trim().toLowerCase()));
  const shown = windowOf(top, innerHeight, rowHeight, rows.length, 10);
  return (
    <div class="fill">
      <div class="toolbar">
        <h1>{models.title}</h1>
        <input
          class="grow"
          aria-label={models.filter}
          placeholder={models.filter}
          value={wanted}
          onInput={(event) => setQuery({ filter: event.currentTarget.value })}
        />
      </div>
      {list()}
    </div>
  );

  function list() {
    if (error !== undefined && data === undefined) return <Failure error={error} />;
    if (data === undefined) return <Loading />;
    if (data.length === 0) return <Empty title={models.none} hint={models.noneHint} />;
    return (
      <div class="scroll" tabIndex={0} onScroll={(event) => setTop(event.currentTarget.scrollTop)}>
        <table class="plain">
          <thead>
            <tr>
              <th>{models.columns.name}</th>
              <th class="number">{models.columns.versions}</th>
              <th>{models.columns.stages}</th>
              <th class="wide-only">{models.columns.aliases}</th>
              <th class="wide-only">{models.columns.changed}</th>
            </tr>
          </thead>
          <tbody>
            <Gap height={shown.from * rowHeight} />
            {rows.slice(shown.from, shown.to).map((model) => (
              <ModelRow key={model.name} model={model} />
            ))}
            <Gap height={(rows.length - shown.to) * rowHeight} />
          </tbody>
        </table>
      </div>
    );
  }
}

function Gap({ height }: { readonly height: number }) {
  return height <= 0 ? null : (
    <tr aria-hidden="true" style={{ height }}>
      <td colSpan={5} />
    </tr>
  );
}

function ModelRow({ model }: { readonly model: RegisteredModel }) {
  const versions = model.latest_versions ?? [];
  const newest = versions.reduce((highest, { version }) => Math.max(highest, Number(version)), 0);
  const link = (version: string): string => href(['models', model.name, 'versions', version]);
  return (
    <tr style={{ height: rowHeight }}>
      <td>
        <a href={href(['models', model.name])}>{model.name}</a>
      </td>
      <td class="number">{newest || '–'}</td>
      <td>
        {versions
          .filter(({ current_stage: stage }) => stage !== 'None' && stage !== 'Archived')
          .map(({ version, current_stage: stage }) => (
            <a key={stage} href={link(version)}>
              <Chip text={stage} plain /> {version}{' '}
            </a>
          ))}
      </td>
      <td class="wide-only">
        {(model.aliases ?? []).map(({ alias, version }) => (
          <a key={alias} class="badge" href={link(version)}>{`@${alias} ${version}`}</a>
        ))}
      </td>
      <td class="wide-only">
        <time title={timeText(model.last_updated_timestamp)}>{agoText(model.last_updated_timestamp)}</time>
      </td>
    </tr>
  );
}

async function allModels(signal: AbortSignal): Promise<readonly RegisteredModel[]> {
  const found: RegisteredModel[] = [];
  let token: string | undefined;
  do {
    const page = await get<{ registered_models?: readonly RegisteredModel[]; next_page_token?: string }>(
      `${mlflow}/registered-models/search`,
      { max_results: 500, page_token: token },
      signal,
    );
    found.push(...(page.registered_models ?? []));
    token = page.next_page_token === '' ? undefined : page.next_page_token;
  } while (token !== undefined && found.length < most);
  return found;
}
