import type { TableQuery } from '../../api/ui/wire.ts';
import { useAsk } from '../kit/ask.ts';
import { numberText } from '../kit/format.ts';
import { Failure, Loading } from '../kit/parts.tsx';
import { setQuery } from '../kit/route.ts';
import { groupRows, type Spread } from '../table/group.ts';
import { allRows } from '../table/rows.ts';
import { words } from '../words.ts';

const most = 10_000;

export interface GroupedRunsProps {
  readonly asked: TableQuery;
  readonly by: string;
  readonly columns: readonly string[];
}

/** Runs by the value of a param or tag, with mean and deviation of the metrics. */
export function GroupedRuns({ asked, by, columns }: GroupedRunsProps) {
  const wanted = [...new Set([by, ...columns.filter((name) => name.startsWith('metrics.'))])];
  const query = { ...asked, columns: wanted };
  const { data, error } = useAsk(JSON.stringify(query), (signal) => allRows(query, most, signal), false);
  if (error !== undefined) return <Failure error={error} />;
  if (data === undefined) return <Loading />;
  const groups = groupRows(data.rows, data.columns, by);
  const label = by.slice(by.indexOf('.') + 1);
  const metrics = data.columns.map((name, i) => ({ name, i })).filter(({ name }) => name.startsWith('metrics.'));
  return (
    <div class="scroll">
      <p class="count soft">
        {words.runs.grouped(label, data.rows.length)}{' '}
        {data.next_page_token === undefined ? null : words.runs.tooMany(most)}
      </p>
      <table class="plain">
        <thead>
          <tr>
            <th>{label}</th>
            <th class="number">{words.runs.groupCount}</th>
            {metrics.map(({ name }) => (
              <th key={name} class="number">
                {name.slice('metrics.'.length)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {groups.map(({ value, rows, cells }) => (
            <tr key={value}>
              <td>
                <button class="link" onClick={() => setQuery({ group: '', filter: filterOf(by, value) }, false)}>
                  {value === '' ? '–' : value}
                </button>
              </td>
              <td class="number">{rows.length}</td>
              {metrics.map(({ name, i }) => (
                <td key={name} class="number">
                  {spreadText(cells[i])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function spreadText(cell: Spread | undefined): string {
  if (cell === undefined) return '–';
  return cell.count < 2 ? numberText(cell.mean) : `${numberText(cell.mean)} ± ${numberText(cell.deviation)}`;
}

function filterOf(by: string, value: string): string {
  const dot = by.indexOf('.');
  const name = `${by.slice(0, dot)}.\`${by.slice(dot + 1)}\``;
  if (value === '') return `${name} IS NULL`;
  return value.includes("'") && !value.includes('"')
    ? `${name} = "${value}"`
    : `${name} = '${value.replaceAll("'", "''")}'`;
}
