import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { windowOf } from './window.ts';

export const rowHeight = 32;
const headHeight = 36;

export interface GridColumn {
  readonly id: string;
  readonly width: number;
  /** Stays at the left edge. Pinned columns come first. */
  readonly pinned: boolean;
  readonly number: boolean;
  readonly head: ComponentChildren;
  readonly sort?: 'ascending' | 'descending' | undefined;
}

export interface GridProps {
  readonly label: string;
  readonly columns: readonly GridColumn[];
  readonly rows: number;
  /** Rows that stay at the top, at the beginning of all. */
  readonly pinnedRows?: number;
  readonly rowKey: (row: number) => string;
  readonly cell: (row: number, column: GridColumn) => ComponentChildren;
  readonly rowClass?: (row: number) => string;
  readonly onOpen: (row: number) => void;
  readonly onToggle: (row: number) => void;
  /** Less than a screen is left below. */
  readonly onEnd?: (() => void) | undefined;
  readonly footer?: ComponentChildren;
}

/**
 * A table of which only what is seen is there: some dozens of rows and columns, however many there are. One stop for
 * the Tab key; arrows move, Space selects, Enter opens.
 */
export function Grid(props: GridProps) {
  const { columns, rows, pinnedRows = 0 } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, left: 0, width: 1200, height: 800 });
  const [active, setActive] = useState(0);
  const measure = (): void => {
    const element = scroller.current;
    if (element === null) return;
    const { scrollTop: top, scrollLeft: left, clientWidth: width, clientHeight: height } = element;
    setView((old) =>
      old.top === top && old.left === left && old.width === width && old.height === height
        ? old
        : { top, left, width, height },
    );
  };
  useEffect(() => {
    const observer = new ResizeObserver(measure);
    if (scroller.current !== null) observer.observe(scroller.current);
    measure();
    return () => observer.disconnect();
  }, []);

  const lefts: number[] = [];
  let total = 0;
  for (const { width } of columns) {
    lefts.push(total);
    total += width;
  }
  const pinned = columns.filter((column) => column.pinned).length;
  const pinnedWidth = lefts[pinned] ?? total;
  const shownRows = windowOf(view.top, view.height - headHeight, rowHeight, rows, 6);
  const shownColumns = columnsIn(columns, lefts, pinned, view.left + pinnedWidth, view.left + view.width);
  const { onEnd } = props;
  const nearEnd = view.top + 2 * view.height > rows * rowHeight;
  useEffect(() => {
    if (nearEnd) onEnd?.();
  }, [nearEnd, rows, onEnd]);

  const move = (to: number): void => {
    const next = Math.max(0, Math.min(to, rows - 1));
    setActive(next);
    const element = scroller.current;
    if (element === null) return;
    const top = next * rowHeight;
    const room = element.clientHeight - headHeight - rowHeight;
    const above = pinnedRows * rowHeight;
    if (top - above < element.scrollTop) element.scrollTop = top - above;
    else if (top > element.scrollTop + room) element.scrollTop = top - room;
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const element = scroller.current;
    if (element === null || event.target !== element) return;
    const page = Math.max(1, Math.floor(view.height / rowHeight) - 2);
    if (event.key === 'ArrowDown') move(active + 1);
    else if (event.key === 'ArrowUp') move(active - 1);
    else if (event.key === 'PageDown') move(active + page);
    else if (event.key === 'PageUp') move(active - page);
    else if (event.key === 'Home') move(0);
    else if (event.key === 'End') move(rows - 1);
    else if (event.key === 'ArrowRight') element.scrollLeft += 120;
    else if (event.key === 'ArrowLeft') element.scrollLeft -= 120;
    else if (event.key === ' ') props.onToggle(active);
    else if (event.key === 'Enter') props.onOpen(active);
    else return;
    event.preventDefault();
  };

  const drawn = [...Array.from({ length: pinned }, (_, i) => i), ...shownColumns];
  const listed = new Set<number>();
  for (let i = 0; i < Math.min(pinnedRows, rows); i++) listed.add(i);
  for (let i = shownRows.from; i < shownRows.to; i++) listed.add(i);
  const place = (i: number): { left: number; width: number } => ({
    left: lefts[i] ?? 0,
    width: columns[i]?.width ?? 0,
  });
  return (
    <div
      class="grid"
      role="grid"
      aria-label={props.label}
      aria-rowcount={rows + 1}
      aria-colcount={columns.length}
      aria-multiselectable="true"
      aria-activedescendant={listed.has(active) ? `row-${active}` : undefined}
      tabIndex={0}
      ref={scroller}
      onScroll={measure}
      onKeyDown={onKeyDown}
    >
      <div class="grid-body" role="rowgroup" style={{ width: total, height: headHeight + rows * rowHeight }}>
        <div class="grid-head" role="row" aria-rowindex={1} style={{ width: total }}>
          {drawn.map((i) => {
            const column = columns[i];
            if (column === undefined) return null;
            return (
              <div
                key={column.id}
                role="columnheader"
                aria-colindex={i + 1}
                aria-sort={column.sort}
                class={`cell ${column.pinned ? 'pinned' : ''} ${column.number ? 'number' : ''}`}
                style={place(i)}
              >
                {column.head}
              </div>
            );
          })}
        </div>
        {[...listed].map((row) => {
          const stays = row < pinnedRows;
          return (
            <div
              key={props.rowKey(row)}
              id={`row-${row}`}
              role="row"
              aria-rowindex={row + 2}
              class={`grid-row ${stays ? 'stays' : ''} ${row === active ? 'active' : ''} ${props.rowClass?.(row) ?? ''}`}
              style={{ top: headHeight + row * rowHeight, width: total }}
              onClick={() => setActive(row)}
            >
              {drawn.map((i) => {
                const column = columns[i];
                if (column === undefined) return null;
                return (
                  <div
                    key={column.id}
                    role="gridcell"
                    aria-colindex={i + 1}
                    class={`cell ${column.pinned ? 'pinned' : ''} ${column.number ? 'number' : ''}`}
                    style={place(i)}
                  >
                    {props.cell(row, column)}
                  </div>
                );
              })}
            </div>
          );
        })}
      </div>
      {props.footer}
    </div>
  );
}

/** The columns that are not pinned and of which something lies between two edges. */
function columnsIn(
  columns: readonly GridColumn[],
  lefts: readonly number[],
  pinned: number,
  from: number,
  to: number,
): number[] {
  let low = pinned;
  let high = columns.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lefts[middle] ?? 0) + (columns[middle]?.width ?? 0) <= from) low = middle + 1;
    else high = middle;
  }
  const found: number[] = [];
  for (let i = Math.max(pinned, low - 1); i < columns.length && (lefts[i] ?? 0) < to + 150; i++) found.push(i);
  return found;
}
