import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { words } from '../words.ts';
import { Icon } from './icon.tsx';
import { refresh } from './live.ts';

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly bad: boolean;
  readonly undo?: (() => Promise<void>) | undefined;
}

let toasts: readonly Toast[] = [];
let counter = 0;
let redraw: () => void = () => undefined;
const stays = 8000;

/** A note at the edge that goes by itself, with a way back where there is one. */
export function say(text: string, options: { readonly bad?: boolean; readonly undo?: () => Promise<void> } = {}): void {
  const toast: Toast = { id: ++counter, text, bad: options.bad ?? false, undo: options.undo };
  toasts = [...toasts, toast].slice(-4);
  redraw();
  setTimeout(() => drop(toast.id), stays);
}

function drop(id: number): void {
  toasts = toasts.filter((toast) => toast.id !== id);
  redraw();
}

/** Does something that changes the store: failures are told, and what is shown is asked for again. */
export async function act(what: () => Promise<unknown>): Promise<boolean> {
  try {
    await what();
    refresh();
    return true;
  } catch (error) {
    say(`${words.toast.failed}: ${error instanceof Error ? error.message : String(error)}`, { bad: true });
    return false;
  }
}

export function Toasts() {
  const [, set] = useState(0);
  useEffect(() => {
    redraw = () => set((count) => count + 1);
  }, []);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.map(({ id, text, bad, undo }) => (
        <div key={id} class={bad ? 'toast bad' : 'toast'}>
          <span>{text}</span>
          {undo === undefined ? null : (
            <button
              class="button small"
              onClick={() => {
                drop(id);
                void act(undo);
              }}
            >
              {words.toast.undo}
            </button>
          )}
          <button class="quiet" onClick={() => drop(id)} title={words.toast.close}>
            <Icon name="close" />
            <span class="hidden">{words.toast.close}</span>
          </button>
        </div>
      ))}
    </div>
  );
}

export interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly wide?: boolean;
  readonly children: ComponentChildren;
}

/** The browser's own modal dialog: focus stays inside, Escape closes it. */
export function Dialog({ title, onClose, wide = false, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    if (dialog !== null && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      class={wide ? 'wide' : ''}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === element.current) onClose();
      }}
    >
      <div class="dialog">
        <header>
          <h2>{title}</h2>
          <button class="quiet" onClick={onClose} title={words.dialog.close}>
            <Icon name="close" />
            <span class="hidden">{words.dialog.close}</span>
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

export interface FormDialogProps {
  readonly title: string;
  readonly fields: readonly { readonly name: string; readonly label: string; readonly value?: string }[];
  readonly onClose: () => void;
  readonly onSave: (values: Readonly<Record<string, string>>) => void;
}

/** A few fields and a button. */
export function FormDialog({ title, fields, onClose, onSave }: FormDialogProps) {
  const save = (event: SubmitEvent): void => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    onSave(Object.fromEntries([...data].map(([name, value]) => [name, typeof value === 'string' ? value : ''])));
    onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="fields" onSubmit={save}>
        {fields.map(({ name, label, value = '' }, i) => (
          <label key={name}>
            <span>{label}</span>
            <input name={name} defaultValue={value} autofocus={i === 0} autocomplete="off" />
          </label>
        ))}
        <footer>
          <button type="button" class="button" onClick={onClose}>
            {words.dialog.cancel}
          </button>
          <button class="button strong">{words.dialog.save}</button>
        </footer>
      </form>
    </Dialog>
  );
}

/** A button with something that opens below it. */
export function Menu(props: {
  readonly label: ComponentChildren;
  readonly title: string;
  readonly children: (close: () => void) => ComponentChildren;
}) {
  const [open, setOpen] = useState(false);
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return undefined;
    const outside = (event: Event): void => {
      if (event.target instanceof Node && element.current?.contains(event.target) !== true) setOpen(false);
    };
    addEventListener('pointerdown', outside);
    addEventListener('focusin', outside);
    return () => {
      removeEventListener('pointerdown', outside);
      removeEventListener('focusin', outside);
    };
  }, [open]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || !open) return;
    setOpen(false);
    element.current?.querySelector('button')?.focus();
  };
  return (
    <div class="menu" ref={element} onKeyDown={onKeyDown}>
      <button class="button" aria-expanded={open} title={props.title} onClick={() => setOpen(!open)}>
        {props.label}
      </button>
      {open ? <div class="popup">{props.children(() => setOpen(false))}</div> : null}
    </div>
  );
}
