import type { TableRow } from '../../api/ui/wire.ts';
import { agoText, durationText, numberText, plainNumber, timeText } from '../kit/format.ts';
import { Chip } from '../kit/parts.tsx';
import { href } from '../kit/route.ts';
import { words } from '../words.ts';

export const fixedColumns = ['status', 'start', 'duration', 'user'] as const;
type Fixed = (typeof fixedColumns)[number];

/** How MLflow orders by them; by the duration it cannot. */
export const fixedOrder: Readonly<Record<string, string>> = {
  name: 'attributes.run_name',
  status: 'attributes.status',
  start: 'attributes.start_time',
  user: 'attributes.user_id',
};

export function FixedCell({ row, id }: { readonly row: TableRow; readonly id: Fixed }) {
  if (id === 'status') return <Chip text={row.status} />;
  if (id === 'start') return <time title={timeText(row.start_time)}>{agoText(row.start_time)}</time>;
  if (id === 'user') return <span title={row.user}>{row.user}</span>;
  return <span>{durationText(row.start_time, row.end_time)}</span>;
}

export interface NameCellProps {
  readonly row: TableRow;
  readonly selected: boolean;
  readonly isBaseline: boolean;
  readonly onToggle: () => void;
}

export function NameCell({ row, selected, isBaseline, onToggle }: NameCellProps) {
  return (
    <>
      <input
        type="checkbox"
        tabIndex={-1}
        checked={selected}
        aria-label={words.runs.select(row.name)}
        onChange={onToggle}
      />
      {row.parent === undefined ? null : (
        <span class="child" aria-hidden="true">
          └
        </span>
      )}
      <a tabIndex={-1} href={href(['experiments', row.experiment_id, 'runs', row.run_id])} title={row.name}>
        {row.name}
      </a>
      {isBaseline ? <span class="badge">{words.runs.baseline}</span> : null}
    </>
  );
}

type Value = TableRow['values'][number];

/** A value and, beside a baseline, how far it is from that. */
export function ValueCell(props: { readonly value: Value | undefined; readonly base?: Value | undefined }) {
  const { value, base } = props;
  if (value === null || value === undefined) return <span class="soft">–</span>;
  const text = typeof value === 'number' ? numberText(value) : value;
  if (base === undefined || base === null || base === value) return <span title={String(value)}>{text}</span>;
  const difference = typeof value === 'number' ? value - plainNumber(base) : NaN;
  if (!Number.isFinite(difference)) {
    return (
      <span class="differs" title={`${value} ≠ ${base}`}>
        {text}
      </span>
    );
  }
  const sign = difference > 0 ? '+' : '−';
  return (
    <span title={`${value}, ${words.runs.baseline} ${base}`}>
      {text}
      <span
        class={difference > 0 ? 'more' : 'less'}
      >{` ${sign}${numberText(Number(Math.abs(difference).toPrecision(3)))}`}</span>
    </span>
  );
}
