import { useState } from 'preact/hooks';

import type { ColumnsAnswer } from '../../api/ui/wire.ts';
import { Icon } from '../kit/icon.tsx';
import { Dialog } from '../kit/overlays.tsx';
import { words } from '../words.ts';

export interface PickerProps {
  readonly all: ColumnsAnswer | undefined;
  readonly shown: readonly string[];
  readonly pinned: readonly string[];
  readonly onChange: (shown: readonly string[] | undefined, pinned: readonly string[]) => void;
  readonly onClose: () => void;
}

/** Names listed of each kind; the others are found by searching. */
const listed = 100;

/** Which columns are shown, in which order, and which stay at the left. */
export function Picker({ all, shown, pinned, onChange, onClose }: PickerProps) {
  const [text, setText] = useState('');
  const wanted = text.trim().toLowerCase();
  const kinds = (['metrics', 'params', 'tags'] as const).map((kind) => {
    const names = (all?.[kind] ?? []).map((name) => `${kind}.${name}`);
    return { kind, names: names.filter((name) => name.toLowerCase().includes(wanted)) };
  });
  const found = kinds.flatMap(({ names }) => names);
  const isShown = new Set(shown);
  const toggle = (name: string): void => {
    if (isShown.has(name)) onChange(without(shown, name), without(pinned, name));
    else onChange([...shown, name], pinned);
  };
  const pin = (name: string): void =>
    onChange(shown, pinned.includes(name) ? without(pinned, name) : [...pinned, name]);
  const move = (name: string, by: number): void => {
    const at = shown.indexOf(name);
    const to = at + by;
    if (to < 0 || to >= shown.length) return;
    onChange(shown.with(at, shown[to] ?? name).with(to, name), pinned);
  };
  return (
    <Dialog title={words.picker.title} onClose={onClose} wide>
      <input
        class="wide"
        placeholder={words.picker.search}
        aria-label={words.picker.search}
        value={text}
        autofocus
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <div class="row">
        <button class="button small" onClick={() => onChange([...new Set([...shown, ...found])].slice(0, 500), pinned)}>
          {words.picker.all}
        </button>
        <button class="button small" onClick={() => onChange([], [])}>
          {words.picker.none}
        </button>
        <button class="button small" onClick={() => onChange(undefined, [])}>
          {words.picker.usual}
        </button>
      </div>
      <div class="picker">
        <section>
          <h3>
            {words.picker.shown} <span class="soft">{shown.length}</span>
          </h3>
          <ul>
            {shown.slice(0, listed).map((name) => (
              <li key={name}>
                <label>
                  <input type="checkbox" checked onChange={() => toggle(name)} />
                  <span title={name}>{name}</span>
                </label>
                <PickerButton icon="up" text={words.picker.up} name={name} act={() => move(name, -1)} />
                <PickerButton icon="down" text={words.picker.down} name={name} act={() => move(name, 1)} />
                <PickerButton
                  icon="pin"
                  text={pinned.includes(name) ? words.picker.unpin : words.picker.pin}
                  name={name}
                  pressed={pinned.includes(name)}
                  act={() => pin(name)}
                />
              </li>
            ))}
          </ul>
        </section>
        {kinds.map(({ kind, names }) => (
          <section key={kind}>
            <h3>
              {words.picker[kind]} <span class="soft">{names.length}</span>
            </h3>
            <ul>
              {names.slice(0, listed).map((name) => (
                <li key={name}>
                  <label>
                    <input type="checkbox" checked={isShown.has(name)} onChange={() => toggle(name)} />
                    <span title={name}>{name.slice(kind.length + 1)}</span>
                  </label>
                </li>
              ))}
            </ul>
            {names.length > listed ? <p class="soft">{words.picker.more(names.length - listed)}</p> : null}
          </section>
        ))}
      </div>
    </Dialog>
  );
}

function without(list: readonly string[], name: string): string[] {
  return list.filter((one) => one !== name);
}

function PickerButton(props: {
  readonly icon: 'up' | 'down' | 'pin';
  readonly text: string;
  readonly name: string;
  readonly pressed?: boolean;
  readonly act: () => void;
}) {
  return (
    <button class="quiet" title={props.text} aria-pressed={props.pressed} onClick={props.act}>
      <Icon name={props.icon} />
      <span class="hidden">{`${props.text}: ${props.name}`}</span>
    </button>
  );
}
