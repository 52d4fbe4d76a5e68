import { useState } from 'preact/hooks';

import { change, mlflow, post } from '../kit/api.ts';
import { agoText, timeText } from '../kit/format.ts';
import { Icon } from '../kit/icon.tsx';
import type { ModelVersion, RegisteredModel } from '../kit/mlflow.ts';
import { act, FormDialog } from '../kit/overlays.tsx';
import { href } from '../kit/route.ts';
import { words } from '../words.ts';
import { PromoteDialog, stages, type Stage } from './promote.tsx';

const listed = 100;

/** A lane for each stage. */
export function Board({
  model,
  versions,
}: {
  readonly model: RegisteredModel;
  readonly versions: readonly ModelVersion[];
}) {
  const [moving, setMoving] = useState<{ readonly version: ModelVersion; readonly stage: Stage }>();
  return (
    <section class="board" aria-label={words.models.board} tabIndex={0}>
      {stages.map((stage) => {
        const here = versions.filter((version) => version.current_stage === stage);
        return (
          <div key={stage} class="lane">
            <h2>
              {words.models.stages[stage]} <span class="soft">{here.length}</span>
            </h2>
            {here.length === 0 ? <p class="soft">{words.models.empty}</p> : null}
            {here.slice(0, listed).map((version) => (
              <Ticket
                key={version.version}
                model={model}
                version={version}
                onMove={(to) => setMoving({ version, stage: to })}
              />
            ))}
          </div>
        );
      })}
      {moving === undefined ? null : <PromoteDialog {...moving} onClose={() => setMoving(undefined)} />}
    </section>
  );
}

export function aliasesOf({ aliases = [] }: RegisteredModel, version: string): string[] {
  return aliases.filter((one) => one.version === version).map(({ alias }) => alias);
}

interface TicketProps {
  readonly model: RegisteredModel;
  readonly version: ModelVersion;
  readonly onMove: (stage: Stage) => void;
}

function Ticket({ model, version, onMove }: TicketProps) {
  const { name, version: number, current_stage: current } = version;
  return (
    <article class="ticket">
      <header>
        <a href={href(['models', name, 'versions', number])}>{words.models.version(number)}</a>
        <MoveSelect current={current} onMove={onMove} number={number} />
      </header>
      <Aliases model={model} number={number} />
      {version.description === undefined || version.description === '' ? null : (
        <p>{version.description.slice(0, 140)}</p>
      )}
      <time class="soft" title={timeText(version.creation_timestamp)}>
        {agoText(version.creation_timestamp)}
      </time>
    </article>
  );
}

export function MoveSelect(props: {
  readonly current: string;
  readonly number: string;
  readonly onMove: (stage: Stage) => void;
}) {
  return (
    <select
      aria-label={`${words.models.version(props.number)}: ${words.models.promote}`}
      value=""
      onChange={(event) => {
        const stage = stages.find((one) => one === event.currentTarget.value);
        event.currentTarget.value = '';
        if (stage !== undefined) props.onMove(stage);
      }}
    >
      <option value="">{words.models.promote}</option>
      {stages
        .filter((stage) => stage !== props.current)
        .map((stage) => (
          <option key={stage} value={stage}>
            {words.models.stages[stage]}
          </option>
        ))}
    </select>
  );
}

export function Aliases({ model, number }: { readonly model: RegisteredModel; readonly number: string }) {
  const [adding, setAdding] = useState(false);
  const { name } = model;
  const remove = (alias: string): void =>
    void act(() => change('DELETE', `${mlflow}/registered-models/alias`, { name, alias }));
  return (
    <div class="row wrap">
      {aliasesOf(model, number).map((alias) => (
        <span key={alias} class="badge">
          {`@${alias}`}
          <button class="quiet tiny" title={words.models.removeAlias(alias)} onClick={() => remove(alias)}>
            <Icon name="close" />
            <span class="hidden">{words.models.removeAlias(alias)}</span>
          </button>
        </span>
      ))}
      <button class="link small" onClick={() => setAdding(true)}>
        {words.models.setAlias}
        <span class="hidden">{words.models.version(number)}</span>
      </button>
      {adding ? (
        <FormDialog
          title={words.models.setAlias}
          fields={[{ name: 'alias', label: words.models.alias }]}
          onClose={() => setAdding(false)}
          onSave={({ alias = '' }) =>
            void act(() => post(`${mlflow}/registered-models/alias`, { name, alias, version: number }))
          }
        />
      ) : null}
    </div>
  );
}
