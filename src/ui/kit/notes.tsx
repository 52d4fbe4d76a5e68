import { useState } from 'preact/hooks';

import { words } from '../words.ts';
import { Markdown } from './markdown.tsx';

/** A text in Markdown that can be edited. */
export function Notes(props: { readonly text: string; readonly onSave: (text: string) => Promise<boolean> }) {
  const [draft, setDraft] = useState<string>();
  const save = async (): Promise<void> => {
    if (draft !== undefined && (await props.onSave(draft))) setDraft(undefined);
  };
  return (
    <>
      <header class="row">
        <h2 class="grow">{words.run.notes}</h2>
        {draft === undefined ? (
          <button class="button small" onClick={() => setDraft(props.text)}>
            {words.run.edit}
          </button>
        ) : (
          <>
            <button class="button small" onClick={() => setDraft(undefined)}>
              {words.dialog.cancel}
            </button>
            <button class="button small strong" onClick={() => void save()}>
              {words.dialog.save}
            </button>
          </>
        )}
      </header>
      {draft === undefined ? (
        props.text === '' ? (
          <p class="soft">{words.run.noNotes}</p>
        ) : (
          <Markdown text={props.text} />
        )
      ) : (
        <textarea
          aria-label={words.run.notes}
          value={draft}
          autofocus
          onInput={(event) => setDraft(event.currentTarget.value)}
        />
      )}
    </>
  );
}
