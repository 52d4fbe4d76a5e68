import { Icon } from '../kit/icon.tsx';
import { words } from '../words.ts';

export interface HeadProps {
  readonly label: string;
  /** `metrics`, `params`, `tags`. */
  readonly kind: string | undefined;
  readonly direction: 'ascending' | 'descending' | undefined;
  readonly onSort: (() => void) | undefined;
  /** Changes the width by so many pixels. */
  readonly onWidth: (change: number) => void;
  /** Of a column that can be dragged elsewhere. */
  readonly id: string | undefined;
  readonly onDrop: (moved: string) => void;
}

/** The head of a column: a click sorts, the edge resizes, dragging moves. */
export function Head({ label, kind, direction, onSort, onWidth, id, onDrop }: HeadProps) {
  const resize = (event: PointerEvent): void => {
    event.preventDefault();
    const handle = event.currentTarget as HTMLElement;
    handle.setPointerCapture(event.pointerId);
    let last = event.clientX;
    const follow = (moved: PointerEvent): void => {
      onWidth(moved.clientX - last);
      last = moved.clientX;
    };
    handle.addEventListener('pointermove', follow);
    handle.addEventListener('pointerup', () => handle.removeEventListener('pointermove', follow), { once: true });
  };
  return (
    <>
      <button
        class="head"
        tabIndex={-1}
        title={kind === undefined ? label : `${kind}.${label}`}
        aria-label={onSort === undefined ? label : words.runs.sortBy(label)}
        disabled={onSort === undefined}
        onClick={onSort}
        draggable={id !== undefined}
        onDragStart={(event) => event.dataTransfer?.setData('text/mlops-column', id ?? '')}
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          const moved = event.dataTransfer?.getData('text/mlops-column') ?? '';
          if (moved !== '' && id !== undefined && moved !== id) onDrop(moved);
        }}
      >
        {kind === undefined ? null : <span class={`kind ${kind}`} aria-hidden="true" />}
        <span class="name">{label}</span>
        {direction === undefined ? null : <Icon name={direction === 'ascending' ? 'up' : 'down'} />}
      </button>
      <span class="resize" aria-hidden="true" title={words.runs.resize(label)} onPointerDown={resize} />
    </>
  );
}
