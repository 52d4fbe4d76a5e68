import { useState } from 'preact/hooks';

import type { TrailAnswer } from '../../api/ui/wire.ts';
import { change, get, mlflow } from '../kit/api.ts';
import { useAsk } from '../kit/ask.ts';
import type { ModelVersion, RegisteredModel } from '../kit/mlflow.ts';
import { Markdown } from '../kit/markdown.tsx';
import { act, FormDialog } from '../kit/overlays.tsx';
import { Failure, Loading } from '../kit/parts.tsx';
import type { Route } from '../kit/route.ts';
import { words } from '../words.ts';
import { Board } from './model-board.tsx';
import { VersionMetrics } from './model-metrics.tsx';
import { VersionPage } from './model-version.tsx';
import { Trail } from './trail.tsx';
import { Webhooks } from './webhooks.tsx';

const listedVersions = 500;

/** A registered model: its versions by stage, who moved them and why. Or one of its versions. */
export function ModelPage({ route }: { readonly route: Route }) {
  const [, name = '', third, version] = route.parts;
  const { data, error } = useAsk(`model ${name}`, (signal) => modelOf(name, signal));
  if (error !== undefined && data === undefined) return <Failure error={error} />;
  if (data === undefined) return <Loading />;
  const { model, versions, trail } = data;
  if (third === 'versions' && version !== undefined) {
    return <VersionPage model={model} trail={trail} number={version} versions={versions} />;
  }
  return (
    <div class="fill">
      <div class="crumbs">
        <a href="#/models">{words.models.title}</a>
        <h1>{name}</h1>
        {trail.gates_required ? <span class="badge">{words.models.gates}</span> : null}
      </div>
      <div class="page-body">
        <Description model={model} />
        <Board model={model} versions={versions} />
        <div class="cards">
          <VersionMetrics versions={versions} />
          <Trail name={name} trail={trail} />
          <Webhooks model={name} />
        </div>
      </div>
    </div>
  );
}

interface Model {
  readonly model: RegisteredModel;
  readonly versions: readonly ModelVersion[];
  readonly trail: TrailAnswer;
}

async function modelOf(name: string, signal: AbortSignal): Promise<Model> {
  const filter =
    name.includes("'") && !name.includes('"') ? `name = "${name}"` : `name = '${name.replaceAll("'", "''")}'`;
  const [model, found, trail] = await Promise.all([
    get<{ registered_model: RegisteredModel }>(`${mlflow}/registered-models/get`, { name }, signal),
    get<{ model_versions?: readonly ModelVersion[] }>(
      `${mlflow}/model-versions/search`,
      { filter, max_results: listedVersions, order_by: ['version_number DESC'] },
      signal,
    ),
    get<TrailAnswer>(`${mlflow}/mlops-ui/trail`, { name }, signal),
  ]);
  return { model: model.registered_model, versions: found.model_versions ?? [], trail };
}

function Description({ model }: { readonly model: RegisteredModel }) {
  const [editing, setEditing] = useState(false);
  const text = model.description ?? '';
  return (
    <section class="card description">
      <header>
        <div class="grow">
          {text === '' ? <p class="soft">{words.run.noNotes}</p> : <Markdown text={text} />}
          {(model.tags ?? []).map(({ key, value }) => (
            <span key={key} class="badge">{`${key}: ${value}`}</span>
          ))}
        </div>
        <button class="button small" onClick={() => setEditing(true)}>
          {words.run.edit}
        </button>
      </header>
      {editing ? (
        <FormDialog
          title={words.models.description}
          fields={[{ name: 'description', label: words.models.description, value: text }]}
          onClose={() => setEditing(false)}
          onSave={({ description = '' }) =>
            void act(() => change('PATCH', `${mlflow}/registered-models/update`, { name: model.name, description }))
          }
        />
      ) : null}
    </section>
  );
}
