import { useEffect, useState } from 'preact/hooks';

import type { FindAnswer, Found } from '../../api/ui/wire.ts';
import { words } from '../words.ts';
import { get, mlflow } from './api.ts';
import { Dialog } from './overlays.tsx';
import { go, href } from './route.ts';
import { setTheme } from './theme.ts';

interface Choice {
  readonly kind: keyof typeof words.find.kinds;
  readonly name: string;
  readonly id: string;
  readonly act: () => void;
}

const commands: readonly Choice[] = [
  { kind: 'command', id: 'e', name: words.nav.experiments, act: () => go('#/experiments') },
  { kind: 'command', id: 'm', name: words.nav.models, act: () => go('#/models') },
  ...(['light', 'dark', 'system'] as const).map((theme): Choice => ({
    kind: 'command',
    id: theme,
    name: `${words.theme.title}: ${words.theme[theme]}`,
    act: () => setTheme(theme),
  })),
];

/** Ctrl-K: a name leads to what bears it. */
export function FindDialog({ onClose }: { readonly onClose: () => void }) {
  const [text, setText] = useState('');
  const [found, setFound] = useState<readonly Found[]>([]);
  const [at, setAt] = useState(0);
  useEffect(() => {
    const ended = new AbortController();
    const timer = setTimeout(async () => {
      const answer = await get<FindAnswer>(`${mlflow}/mlops-ui/find`, { text }, ended.signal).catch(() => undefined);
      if (answer === undefined) return;
      setFound(answer.found);
      setAt(0);
    }, 120);
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, [text]);
  const wanted = text.trim().toLowerCase();
  const choices = [...found.map(choiceOf), ...commands.filter(({ name }) => name.toLowerCase().includes(wanted))];
  const choose = (choice: Choice | undefined): void => {
    if (choice === undefined) return;
    onClose();
    choice.act();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter') choose(choices[at]);
    else if (event.key === 'ArrowDown') setAt(Math.min(at + 1, choices.length - 1));
    else if (event.key === 'ArrowUp') setAt(Math.max(at - 1, 0));
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title={words.find.title} onClose={onClose}>
      <input
        class="wide"
        role="combobox"
        aria-expanded="true"
        aria-controls="found"
        aria-activedescendant={`found-${at}`}
        aria-label={words.find.field}
        placeholder={words.find.field}
        value={text}
        autofocus
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <ul class="found" id="found" role="listbox" aria-label={words.find.title}>
        {choices.map((choice, i) => (
          <li
            key={`${choice.kind}-${choice.id}`}
            id={`found-${i}`}
            role="option"
            aria-selected={i === at}
            onPointerMove={() => setAt(i)}
            onClick={() => choose(choice)}
          >
            <span class="grow">{choice.name}</span>
            <span class="soft">{words.find.kinds[choice.kind]}</span>
          </li>
        ))}
      </ul>
      {choices.length === 0 ? <p class="soft">{words.find.none}</p> : null}
    </Dialog>
  );
}

function choiceOf({ kind, id, name, experiment_id: experiment = '' }: Found): Choice {
  const addresses = {
    run: href(['experiments', experiment, 'runs', id]),
    experiment: href(['experiments', id]),
    model: href(['models', id]),
  };
  return { kind, id, name, act: () => go(addresses[kind]) };
}
