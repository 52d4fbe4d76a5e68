import { useState } from 'preact/hooks';

import type { ExperimentRow, ExperimentsAnswer } from '../../api/ui/wire.ts';
import { get, mlflow, post } from '../kit/api.ts';
import { useAsk } from '../kit/ask.ts';
import { agoText, timeText } from '../kit/format.ts';
import { act, FormDialog, say } from '../kit/overlays.tsx';
import { Empty, Failure, Loading } from '../kit/parts.tsx';
import { go, href, setQuery, type Route } from '../kit/route.ts';
import { windowOf } from '../table/window.ts';
import { words } from '../words.ts';

const rowHeight = 44;

/** All experiments; names with slashes are shown below what they share. */
export function ExperimentsPage({ route }: { readonly route: Route }) {
  const deleted = route.query.get('deleted') === '1';
  const wanted = route.query.get('filter') ?? '';
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [renaming, setRenaming] = useState<ExperimentRow>();
  const [top, setTop] = useState(0);
  const { data, error } = useAsk(`experiments ${deleted}`, (signal) => allExperiments(deleted, signal));
  const { experiments: say_ } = words;
  const rows = (data ?? []).filter((row) => fits(row, wanted.trim().toLowerCase()));
  const shown = windowOf(top, innerHeight, rowHeight, rows.length, 10);
  const toggle = (id: string): void => {
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    setSelected(next);
  };
  const change = (row: ExperimentRow, verb: 'delete' | 'restore') => () =>
    post(`${mlflow}/experiments/${verb}`, { experiment_id: row.experiment_id });
  const remove = async (row: ExperimentRow): Promise<void> => {
    if (await act(change(row, 'delete')))
      say(say_.wasDeleted(row.name), { undo: async () => void (await change(row, 'restore')()) });
  };
  return (
    <div class="fill page">
      <div class="toolbar">
        <h1>{say_.title}</h1>
        <input
          class="grow"
          aria-label={say_.filter}
          placeholder={say_.filter}
          value={wanted}
          onInput={(event) => setQuery({ filter: event.currentTarget.value })}
        />
        {selected.size < 2 ? null : (
          <button
            class="button strong"
            onClick={() => go(href(['experiments'], { ids: JSON.stringify([...selected]) }))}
          >
            {say_.compare}
          </button>
        )}
        <label class="toggle">
          <input
            type="checkbox"
            checked={deleted}
            onChange={(event) => setQuery({ deleted: event.currentTarget.checked ? '1' : '' })}
          />
          {say_.deleted}
        </label>
      </div>
      {renaming === undefined ? null : (
        <FormDialog
          title={say_.rename}
          fields={[{ name: 'name', label: say_.newName, value: renaming.name }]}
          onClose={() => setRenaming(undefined)}
          onSave={({ name = '' }) =>
            void act(() =>
              post(`${mlflow}/experiments/update`, { experiment_id: renaming.experiment_id, new_name: name }),
            )
          }
        />
      )}
      {list()}
    </div>
  );

  function list() {
    if (error !== undefined && data === undefined) return <Failure error={error} />;
    if (data === undefined) return <Loading />;
    if (rows.length === 0) {
      return wanted === '' ? <Empty title={say_.none} hint={say_.noneHint} /> : <Empty title={say_.noMatch} />;
    }
    return (
      <div class="scroll" tabIndex={0} onScroll={(event) => setTop(event.currentTarget.scrollTop)}>
        <table class="plain experiments">
          <thead>
            <tr>
              <th />
              <th>{say_.columns.name}</th>
              <th class="number">{say_.columns.runs}</th>
              <th>{say_.columns.last}</th>
              <th class="wide-only">{say_.columns.tags}</th>
              <th class="wide-only">{say_.columns.created}</th>
              <th />
            </tr>
          </thead>
          <tbody>
            <Gap height={shown.from * rowHeight} />
            {rows.slice(shown.from, shown.to).map((row) => (
              <tr key={row.experiment_id} style={{ height: rowHeight }}>
                <td>
                  <input
                    type="checkbox"
                    aria-label={words.runs.select(row.name)}
                    checked={selected.has(row.experiment_id)}
                    onChange={() => toggle(row.experiment_id)}
                  />
                </td>
                <td class="name">
                  <Name row={row} />
                </td>
                <td class="number">
                  {row.running > 0 ? <span class="chip busy">{`${row.running} ${say_.running}`}</span> : null}{' '}
                  {row.runs}
                </td>
                <td>
                  <time title={timeText(row.last_start)}>{agoText(row.last_start)}</time>
                </td>
                <td class="wide-only">
                  {row.tags
                    .filter(({ key }) => !key.startsWith('mlops.view.'))
                    .slice(0, 3)
                    .map(({ key, value }) => (
                      <span key={key} class="badge" title={`${key}: ${value}`}>
                        {`${key}: ${value}`.slice(0, 40)}
                      </span>
                    ))}
                </td>
                <td class="wide-only">
                  <time title={timeText(row.creation_time)}>{agoText(row.creation_time)}</time>
                </td>
                <td class="row-actions">
                  {row.deleted ? (
                    <button class="button small" onClick={() => void act(change(row, 'restore'))}>
                      {say_.restore}
                    </button>
                  ) : (
                    <>
                      <button class="button small" onClick={() => setRenaming(row)}>
                        {say_.rename}
                      </button>
                      <button class="button small danger" onClick={() => void remove(row)}>
                        {say_.delete}
                      </button>
                    </>
                  )}
                </td>
              </tr>
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
      <td colSpan={7} />
    </tr>
  );
}

function Name({ row }: { readonly row: ExperimentRow }) {
  const at = row.name.lastIndexOf('/') + 1;
  return (
    <>
      <a href={href(['experiments', row.experiment_id])} title={row.name}>
        {at === 0 ? null : <span class="soft">{row.name.slice(0, at)}</span>}
        {row.name.slice(at)}
      </a>
      {row.description === '' ? null : <span class="note soft">{row.description}</span>}
    </>
  );
}

function fits({ name, experiment_id: id, tags }: ExperimentRow, wanted: string): boolean {
  if (wanted === '' || name.toLowerCase().includes(wanted) || id === wanted) return true;
  return tags.some(({ key, value }) => `${key}: ${value}`.toLowerCase().includes(wanted));
}

const most = 20_000;

async function allExperiments(deleted: boolean, signal: AbortSignal): Promise<readonly ExperimentRow[]> {
  const found: ExperimentRow[] = [];
  let token: string | undefined;
  do {
    const query = { view: deleted ? 'DELETED_ONLY' : 'ACTIVE_ONLY', page_token: token };
    const page = await get<ExperimentsAnswer>(`${mlflow}/mlops-ui/experiments`, query, signal);
    found.push(...page.experiments);
    token = page.next_page_token;
  } while (token !== undefined && found.length < most);
  const latest = ({ last_start: last, creation_time: made }: ExperimentRow): number => Math.max(last, made);
  return found.toSorted((a, b) => latest(b) - latest(a));
}
