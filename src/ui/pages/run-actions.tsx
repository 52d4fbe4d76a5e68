import { useState } from 'preact/hooks';

import type { TableRow } from '../../api/ui/wire.ts';
import { mlflow, post } from '../kit/api.ts';
import { Icon } from '../kit/icon.tsx';
import { act, FormDialog, say } from '../kit/overlays.tsx';
import { go, href, setQuery } from '../kit/route.ts';
import { words } from '../words.ts';

export interface RunActionsProps {
  readonly selected: ReadonlyMap<string, TableRow>;
  readonly baseline: string;
  readonly deleted: boolean;
  readonly onClear: () => void;
}

const compared = 50;

export function compareHref(rows: readonly { readonly run_id: string; readonly experiment_id: string }[]): string {
  const few = rows.slice(0, compared);
  return href(['compare-runs'], {
    runs: JSON.stringify(few.map((row) => row.run_id)),
    experiments: JSON.stringify([...new Set(few.map((row) => row.experiment_id))]),
  });
}

export async function forEach(ids: readonly string[], path: string, more: object = {}): Promise<void> {
  for (const id of ids) await post(`${mlflow}/runs/${path}`, { run_id: id, ...more });
}

/** What can be done with the runs that are selected. */
export function RunActions({ selected, baseline, deleted, onClear }: RunActionsProps) {
  const [asking, setAsking] = useState<'tag' | 'rename'>();
  const rows = [...selected.values()];
  const ids = [...selected.keys()];
  const [first] = rows;
  if (first === undefined) return null;
  const { actions } = words.runs;
  const remove = async (): Promise<void> => {
    if (!(await act(() => forEach(ids, 'delete')))) return;
    onClear();
    say(words.runs.wasDeleted(ids.length), { undo: () => forEach(ids, 'restore') });
  };
  const tag = async (key: string, value: string): Promise<void> => {
    if (await act(() => forEach(ids, 'set-tag', { key, value }))) say(words.runs.tagged(ids.length));
  };
  const restore = async (): Promise<void> => {
    if (!(await act(() => forEach(ids, 'restore')))) return;
    onClear();
    say(words.runs.wasRestored(ids.length));
  };
  const isBaseline = first.run_id === baseline && rows.length === 1;
  return (
    <div class="actions" role="toolbar" aria-label={words.runs.selected(rows.length)}>
      <strong>{words.runs.selected(rows.length)}</strong>
      {rows.length < 2 ? null : (
        <button class="button strong" onClick={() => go(compareHref(rows))}>
          <Icon name="compare" />
          {actions.compare}
        </button>
      )}
      {rows.length > 1 ? null : (
        <>
          <button class="button" onClick={() => setQuery({ base: isBaseline ? '' : first.run_id })}>
            {isBaseline ? actions.noBaseline : actions.baseline}
          </button>
          <button class="button" onClick={() => setAsking('rename')}>
            {actions.rename}
          </button>
        </>
      )}
      <button class="button" onClick={() => setAsking('tag')}>
        {actions.tag}
      </button>
      {deleted ? (
        <button class="button" onClick={() => void restore()}>
          {actions.restore}
        </button>
      ) : (
        <button class="button danger" onClick={() => void remove()}>
          {actions.delete}
        </button>
      )}
      <button class="quiet" onClick={onClear} title={actions.clear}>
        <Icon name="close" />
        <span class="hidden">{actions.clear}</span>
      </button>
      {asking === 'rename' ? (
        <FormDialog
          title={actions.rename}
          fields={[{ name: 'name', label: words.runs.newName, value: first.name }]}
          onClose={() => setAsking(undefined)}
          onSave={({ name = '' }) =>
            void act(() => post(`${mlflow}/runs/update`, { run_id: first.run_id, run_name: name }))
          }
        />
      ) : null}
      {asking === 'tag' ? (
        <FormDialog
          title={actions.tag}
          fields={[
            { name: 'key', label: words.runs.tagKey },
            { name: 'value', label: words.runs.tagValue },
          ]}
          onClose={() => setAsking(undefined)}
          onSave={({ key = '', value = '' }) => void tag(key, value)}
        />
      ) : null}
    </div>
  );
}
