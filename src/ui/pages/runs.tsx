import { useMemo, useState } from 'preact/hooks';

import type { ColumnsAnswer, TableQuery, TableRow } from '../../api/ui/wire.ts';
import { get, mlflow } from '../kit/api.ts';
import { useAsk } from '../kit/ask.ts';
import { Icon } from '../kit/icon.tsx';
import { Empty, Failure, Loading } from '../kit/parts.tsx';
import { go, href, listIn, setQuery, type Route } from '../kit/route.ts';
import { fixedColumns, fixedOrder, FixedCell, NameCell, ValueCell } from '../table/cells.tsx';
import { Filter, orderName } from '../table/filter.tsx';
import { Grid, type GridColumn } from '../table/grid.tsx';
import { differing } from '../table/group.ts';
import { Head } from '../table/head.tsx';
import { Picker } from '../table/picker.tsx';
import { useRows } from '../table/rows.ts';
import { GroupedRuns } from './grouped-runs.tsx';
import { RunActions } from './run-actions.tsx';
import { Tools } from './runs-tools.tsx';
import { words } from '../words.ts';

const nameWidth = 250;
const fixedWidths = { status: 108, start: 104, duration: 110, user: 100 } as const;
const usualWidth = 128;
/** With the difference to a baseline. */
const comparedWidth = 156;
const widths = new Map<string, number>();

/** The table of runs of one experiment or more. The address holds the whole view. */
export function RunsPage({ route, ids }: { readonly route: Route; readonly ids: readonly string[] }) {
  const { query } = route;
  const filter = query.get('filter') ?? '';
  const order = query.get('order') ?? '';
  const deleted = query.get('deleted') === '1';
  const view = deleted ? 'DELETED_ONLY' : 'ACTIVE_ONLY';
  const chosen = listIn(query, 'cols');
  const pinned = listIn(query, 'pin') ?? [];
  const baseline = query.get('base') ?? '';
  const group = query.get('group') ?? '';
  const [selected, setSelected] = useState<ReadonlyMap<string, TableRow>>(new Map());
  const [picking, setPicking] = useState(false);
  const [, redraw] = useState(0);

  const asked: TableQuery = {
    experiment_ids: ids,
    filter,
    view,
    order_by: order === '' ? [] : [order],
    ...(chosen === undefined ? {} : { columns: chosen }),
  };
  const loaded = useRows(asked);
  const overview = useAsk(`columns ${ids.join()} ${deleted}`, (signal) =>
    get<ColumnsAnswer>(`${mlflow}/mlops-ui/columns`, { experiment_ids: ids, view }, signal),
  );
  const rows = useMemo(() => baselineFirst(loaded.rows, baseline), [loaded.rows, baseline]);
  const base = baseline !== '' && rows[0]?.run_id === baseline ? rows[0] : undefined;
  const indices = new Map(loaded.columns.map((name, i) => [name, i]));
  const differ = query.get('diff') === '1' ? differing(rows, loaded.columns) : undefined;
  const names = loaded.columns.filter((name) => differ === undefined || differ.has(name));
  const ordered = [...names.filter((name) => pinned.includes(name)), ...names.filter((name) => !pinned.includes(name))];

  const toggle = (row: TableRow | undefined): void => {
    if (row === undefined) return;
    const next = new Map(selected);
    if (!next.delete(row.run_id)) next.set(row.run_id, row);
    setSelected(next);
  };
  const sort = (term: string): void => {
    const next = order === `${term} DESC` ? `${term} ASC` : order === `${term} ASC` ? '' : `${term} DESC`;
    setQuery({ order: next });
  };
  const head = (id: string, label: string, term: string | undefined, isData: boolean) => (
    <Head
      label={label}
      kind={isData ? id.slice(0, id.indexOf('.')) : undefined}
      direction={directionOf(order, term)}
      onSort={term === undefined ? undefined : () => sort(term)}
      onWidth={(change) => {
        widths.set(id, Math.max(60, (widths.get(id) ?? usualWidth) + change));
        redraw((count) => count + 1);
      }}
      id={isData ? id : undefined}
      onDrop={(moved) => setQuery({ cols: JSON.stringify(movedBefore(loaded.columns, moved, id)) })}
    />
  );
  const column = (id: string, label: string, term: string | undefined, width: number): GridColumn => ({
    id,
    width: widths.get(id) ?? width,
    pinned: id === 'name' || pinned.includes(id),
    number: id.startsWith('metrics.') || id === 'duration',
    head: head(id, label, term, indices.has(id)),
    sort: directionOf(order, term),
  });
  const { fixed } = words.runs;
  const data = ordered.map((id) =>
    column(id, id.slice(id.indexOf('.') + 1), orderName(id), base === undefined ? usualWidth : comparedWidth),
  );
  const columns: GridColumn[] = [
    {
      ...column('name', fixed.name, fixedOrder['name'], innerWidth < 500 ? 170 : nameWidth),
      head: (
        <>
          <input
            type="checkbox"
            aria-label={words.runs.selectAll}
            checked={rows.length > 0 && selected.size >= rows.length}
            onChange={() => setSelected(selected.size > 0 ? new Map() : new Map(rows.map((row) => [row.run_id, row])))}
          />
          {head('name', fixed.name, fixedOrder['name'], false)}
        </>
      ),
    },
    ...data.filter((one) => one.pinned),
    ...fixedColumns.map((id) => column(id, fixed[id], fixedOrder[id], fixedWidths[id])),
    ...data.filter((one) => !one.pinned),
  ];
  const cell = (at: number, { id }: GridColumn) => {
    const row = rows[at];
    if (row === undefined) return null;
    if (id === 'name') {
      return (
        <NameCell
          row={row}
          selected={selected.has(row.run_id)}
          isBaseline={row === base}
          onToggle={() => toggle(row)}
        />
      );
    }
    const index = indices.get(id);
    if (index === undefined) return <FixedCell row={row} id={id as (typeof fixedColumns)[number]} />;
    return <ValueCell value={row.values[index]} base={row === base ? undefined : base?.values[index]} />;
  };

  return (
    <div class="fill">
      <div class="toolbar">
        <Filter
          value={filter}
          problem={loaded.problem}
          columns={overview.data}
          onChange={(text) => setQuery({ filter: text })}
        />
        <Tools route={route} ids={ids} overview={overview.data} asked={{ ...asked, columns: loaded.columns }}>
          <button class="button" onClick={() => setPicking(true)}>
            <Icon name="columns" />
            <span>{words.runs.columns}</span>
          </button>
        </Tools>
      </div>
      <RunActions selected={selected} baseline={baseline} deleted={deleted} onClear={() => setSelected(new Map())} />
      {picking ? (
        <Picker
          all={overview.data}
          shown={loaded.columns}
          pinned={pinned}
          onChange={(shown, pins) =>
            setQuery({
              cols: shown === undefined ? undefined : JSON.stringify(shown),
              pin: pins.length === 0 ? undefined : JSON.stringify(pins),
            })
          }
          onClose={() => setPicking(false)}
        />
      ) : null}
      {body()}
    </div>
  );

  function body() {
    if (loaded.error !== undefined && rows.length === 0) return <Failure error={loaded.error} />;
    if (loaded.loading && rows.length === 0) return <Loading />;
    if (group !== '') return <GroupedRuns asked={asked} by={group} columns={loaded.columns} />;
    if (rows.length === 0 && loaded.problem === undefined) {
      if (filter === '') return <Empty title={words.runs.none} hint={words.runs.noneHint} />;
      return (
        <Empty title={words.runs.noMatch}>
          <button class="button" onClick={() => setQuery({ filter: '' })}>
            {words.runs.clear}
          </button>
        </Empty>
      );
    }
    return (
      <>
        <p class="count soft" role="status">
          {words.runs.count(rows.length, filter === '' ? overview.data?.runs : undefined, loaded.more)}
        </p>
        <Grid
          label={words.runs.table}
          columns={columns}
          rows={rows.length}
          pinnedRows={base === undefined ? 0 : 1}
          rowKey={(at) => rows[at]?.run_id ?? ''}
          rowClass={(at) => (selected.has(rows[at]?.run_id ?? '') ? 'selected' : '')}
          cell={cell}
          onToggle={(at) => toggle(rows[at])}
          onOpen={(at) => {
            const row = rows[at];
            if (row !== undefined) go(href(['experiments', row.experiment_id, 'runs', row.run_id]));
          }}
          onEnd={loaded.more ? loaded.next : undefined}
        />
      </>
    );
  }
}

function directionOf(order: string, term: string | undefined): 'ascending' | 'descending' | undefined {
  if (term === undefined || !order.startsWith(`${term} `)) return undefined;
  return order.endsWith(' DESC') ? 'descending' : 'ascending';
}

function baselineFirst(rows: readonly TableRow[], id: string): readonly TableRow[] {
  const at = id === '' ? -1 : rows.findIndex((row) => row.run_id === id);
  const base = rows[at];
  return base === undefined ? rows : [base, ...rows.slice(0, at), ...rows.slice(at + 1)];
}

function movedBefore(columns: readonly string[], moved: string, before: string): string[] {
  const rest = columns.filter((name) => name !== moved);
  const at = rest.indexOf(before);
  return at < 0 ? [...rest, moved] : rest.toSpliced(at, 0, moved);
}
