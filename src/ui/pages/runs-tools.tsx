import type { ComponentChildren } from 'preact';

import type { ColumnsAnswer, TableQuery } from '../../api/ui/wire.ts';
import { get, mlflow, post } from '../kit/api.ts';
import { useAsk } from '../kit/ask.ts';
import { Icon } from '../kit/icon.tsx';
import { act, Menu, say } from '../kit/overlays.tsx';
import { go, href, setQuery, type Route } from '../kit/route.ts';
import { csvOf, download, jsonOf } from '../table/export.ts';
import { allRows } from '../table/rows.ts';
import type { Experiment } from '../kit/mlflow.ts';
import { words } from '../words.ts';

export interface ToolsProps {
  readonly route: Route;
  readonly ids: readonly string[];
  readonly overview: ColumnsAnswer | undefined;
  readonly asked: TableQuery;
  readonly children: ComponentChildren;
}

const exported = 100_000;
const offeredGroups = 200;

/** The buttons beside the filter. */
export function Tools({ route, ids, overview, asked, children }: ToolsProps) {
  const { query } = route;
  const groups = ['params', 'tags'].flatMap((kind) =>
    (overview?.[kind as 'params' | 'tags'] ?? [])
      .filter((name) => !name.startsWith('mlflow.'))
      .map((name) => `${kind}.${name}`),
  );
  const save = (kind: 'csv' | 'json'): void =>
    void act(async () => {
      const all = await allRows(asked, exported);
      if (kind === 'csv') download('runs.csv', 'text/csv', csvOf(all));
      else download('runs.json', 'application/json', jsonOf(all));
    });
  const flag = (name: string, label: string) => (
    <label class="toggle">
      <input
        type="checkbox"
        checked={query.get(name) === '1'}
        onChange={(event) => setQuery({ [name]: event.currentTarget.checked ? '1' : '' })}
      />
      {label}
    </label>
  );
  return (
    <div class="tools">
      {children}
      <select
        aria-label={words.runs.group}
        value={query.get('group') ?? ''}
        onChange={(event) => setQuery({ group: event.currentTarget.value }, false)}
      >
        <option value="">{words.runs.noGroup}</option>
        {groups.slice(0, offeredGroups).map((name) => (
          <option key={name} value={name}>{`${words.runs.group} ${name.slice(name.indexOf('.') + 1)}`}</option>
        ))}
      </select>
      {ids.length === 1 ? <Views route={route} id={ids[0] ?? ''} /> : null}
      <Menu
        title={words.runs.export}
        label={
          <>
            <Icon name="download" />
            <span>{words.runs.export}</span>
          </>
        }
      >
        {(close) =>
          (['csv', 'json'] as const).map((kind) => (
            <button
              key={kind}
              class="item"
              onClick={() => {
                close();
                save(kind);
              }}
            >
              {words.runs[kind]}
            </button>
          ))
        }
      </Menu>
      {flag('diff', words.runs.diffOnly)}
      {flag('deleted', words.runs.deleted)}
    </div>
  );
}

const viewTag = 'mlops.view.';

/** Views are tags of the experiment: whoever opens it has them. */
function Views({ route, id }: { readonly route: Route; readonly id: string }) {
  const { data } = useAsk(`experiment ${id}`, (signal) =>
    get<{ experiment: Experiment }>(`${mlflow}/experiments/get`, { experiment_id: id }, signal),
  );
  const views = (data?.experiment.tags ?? []).filter(({ key }) => key.startsWith(viewTag));
  const save = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const name = new FormData(form).get('name');
    if (typeof name !== 'string' || name.trim() === '') return;
    const tag = { experiment_id: id, key: viewTag + name.trim(), value: route.query.toString() || 'all' };
    void act(() => post(`${mlflow}/experiments/set-experiment-tag`, tag));
    form.reset();
  };
  const remove = (key: string): void =>
    void act(() => post(`${mlflow}/experiments/delete-experiment-tag`, { experiment_id: id, key }));
  const share = (): void => void navigator.clipboard?.writeText(location.href).then(() => say(words.views.copied));
  return (
    <Menu
      title={words.views.title}
      label={
        <>
          <Icon name="bookmark" />
          <span>{words.runs.views}</span>
        </>
      }
    >
      {(close) => (
        <div class="views">
          {views.length === 0 ? <p class="soft">{words.views.none}</p> : null}
          {views.map(({ key, value }) => (
            <div key={key} class="row">
              <button
                class="item grow"
                onClick={() => {
                  close();
                  go(href(['experiments', id], Object.fromEntries(new URLSearchParams(value === 'all' ? '' : value))));
                }}
              >
                {key.slice(viewTag.length)}
              </button>
              <button class="quiet" title={words.views.remove(key.slice(viewTag.length))} onClick={() => remove(key)}>
                <Icon name="close" />
                <span class="hidden">{words.views.remove(key.slice(viewTag.length))}</span>
              </button>
            </div>
          ))}
          <form class="row" onSubmit={save}>
            <input name="name" aria-label={words.views.name} placeholder={words.views.name} autocomplete="off" />
            <button class="button small">{words.dialog.save}</button>
          </form>
          <button class="item" onClick={share}>
            <Icon name="link" /> {words.views.link}
          </button>
        </div>
      )}
    </Menu>
  );
}
