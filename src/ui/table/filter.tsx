import { useEffect, useRef, useState } from 'preact/hooks';

import type { ColumnsAnswer, FilterProblem } from '../../api/ui/wire.ts';
import { Icon } from '../kit/icon.tsx';
import { words } from '../words.ts';

export interface FilterProps {
  readonly value: string;
  readonly problem: FilterProblem | undefined;
  readonly columns: ColumnsAnswer | undefined;
  readonly onChange: (value: string) => void;
}

const attributes = ['run_name', 'status', 'start_time', 'end_time', 'user_id', 'run_id', 'artifact_uri'];
const patience = 300;
const offered = 8;

/** The filter with completion of names and, where it is wrong, a mark at that place. */
export function Filter({ value, problem, columns, onChange }: FilterProps) {
  const [text, setText] = useState(value);
  const [offers, setOffers] = useState<readonly string[]>([]);
  const [at, setAt] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  const backdrop = useRef<HTMLDivElement>(null);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return undefined;
    const timer = setTimeout(() => onChange(text), patience);
    return () => clearTimeout(timer);
  }, [text]);
  const shown = problem !== undefined && text === value ? problem : undefined;
  const complete = (element: HTMLInputElement): void => {
    setText(element.value);
    const { word } = wordAt(element.value, element.selectionStart ?? element.value.length);
    setOffers(word.length < 2 ? [] : namesLike(word, columns));
    setAt(-1);
  };
  const take = (name: string): void => {
    const element = input.current;
    if (element === null) return;
    const { from, to } = wordAt(text, element.selectionStart ?? text.length);
    const next = `${text.slice(0, from)}${name} ${text.slice(to).trimStart()}`;
    setText(next);
    setOffers([]);
    element.focus();
    requestAnimationFrame(() => element.setSelectionRange(from + name.length + 1, from + name.length + 1));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const chosen = offers[at];
    if (event.key === 'Enter' || (event.key === 'Tab' && chosen !== undefined)) {
      if (chosen === undefined) {
        setOffers([]);
        onChange(text);
      } else take(chosen);
    } else if (event.key === 'ArrowDown' && offers.length > 0) setAt((at + 1) % offers.length);
    else if (event.key === 'ArrowUp' && offers.length > 0) setAt((at + offers.length - 1) % offers.length);
    else if (event.key === 'Escape' && offers.length > 0) setOffers([]);
    else return;
    event.preventDefault();
  };
  return (
    <div class="filter">
      <Icon name="search" />
      <div class="filter-field">
        <div class="filter-backdrop" aria-hidden="true" ref={backdrop}>
          {shown === undefined ? null : (
            <>
              {text.slice(0, shown.from)}
              <mark>{text.slice(shown.from, shown.to)}</mark>
            </>
          )}
        </div>
        <input
          ref={input}
          role="combobox"
          aria-expanded={offers.length > 0}
          aria-controls="filter-offers"
          aria-autocomplete="list"
          aria-activedescendant={at < 0 ? undefined : `filter-offer-${at}`}
          aria-invalid={shown !== undefined}
          aria-describedby={shown === undefined ? undefined : 'filter-problem'}
          aria-label={words.runs.filterHelp}
          placeholder={words.runs.filter}
          value={text}
          spellcheck={false}
          autocomplete="off"
          onInput={(event) => complete(event.currentTarget)}
          onKeyDown={onKeyDown}
          onBlur={() => setTimeout(() => setOffers([]), 150)}
          onScroll={(event) => {
            if (backdrop.current !== null) backdrop.current.scrollLeft = event.currentTarget.scrollLeft;
          }}
        />
      </div>
      {text === '' ? null : (
        <button class="quiet" title={words.runs.clear} onClick={() => onChange('')}>
          <Icon name="close" />
          <span class="hidden">{words.runs.clear}</span>
        </button>
      )}
      <ul
        id="filter-offers"
        role="listbox"
        class="offers"
        hidden={offers.length === 0}
        aria-label={words.runs.filterHelp}
      >
        {offers.map((name, i) => (
          <li
            key={name}
            id={`filter-offer-${i}`}
            role="option"
            aria-selected={i === at}
            onPointerDown={(event) => {
              event.preventDefault();
              take(name);
            }}
          >
            {name}
          </li>
        ))}
      </ul>
      {shown === undefined ? null : (
        <p id="filter-problem" class="filter-problem" role="alert">
          {shown.message}
        </p>
      )}
    </div>
  );
}

function wordAt(text: string, caret: number): { word: string; from: number; to: number } {
  let from = caret;
  while (from > 0 && !' =<>!()'.includes(text.charAt(from - 1))) from--;
  return { word: text.slice(from, caret), from, to: caret };
}

function namesLike(word: string, columns: ColumnsAnswer | undefined): string[] {
  const wanted = word.toLowerCase();
  const found: string[] = [];
  const add = (kind: string, names: readonly string[]): void => {
    for (const name of names) {
      if (found.length >= offered) return;
      const whole = `${kind}.${name}`;
      if (whole.toLowerCase().includes(wanted) && whole !== word) found.push(`${kind}.${plainName(name)}`);
    }
  };
  add('metrics', columns?.metrics ?? []);
  add('params', columns?.params ?? []);
  add('attributes', attributes);
  add('tags', columns?.tags ?? []);
  return found;
}

/** As the grammar wants names that have more than letters. */
function plainName(name: string): string {
  return /^[\w.-]+$/.test(name) ? name : `\`${name}\``;
}

/** A column as a term of `order_by`. */
export function orderName(column: string): string {
  const dot = column.indexOf('.');
  return `${column.slice(0, dot)}.\`${column.slice(dot + 1)}\``;
}
