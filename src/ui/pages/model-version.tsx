import { useState } from 'preact/hooks';

import type { TrailAnswer } from '../../api/ui/wire.ts';
import { addressOf, get, getText, mlflow, prefix } from '../kit/api.ts';
import { useAsk } from '../kit/ask.ts';
import { timeText } from '../kit/format.ts';
import type { ModelVersion, RegisteredModel, Run } from '../kit/mlflow.ts';
import { Chip, Empty, Facts, Snippet } from '../kit/parts.tsx';
import { href } from '../kit/route.ts';
import { readSignature, type Field } from '../kit/signature.ts';
import { words } from '../words.ts';
import { GateResults } from './gate-results.tsx';
import { Aliases, MoveSelect } from './model-board.tsx';
import { PromoteDialog, type Stage } from './promote.tsx';
import { Pairs } from './run-overview.tsx';
import { Trail } from './trail.tsx';

export interface VersionPageProps {
  readonly model: RegisteredModel;
  readonly versions: readonly ModelVersion[];
  readonly trail: TrailAnswer;
  readonly number: string;
}

const fileBytes = 200_000;

export function VersionPage({ model, versions, trail, number }: VersionPageProps) {
  const [moving, setMoving] = useState<Stage>();
  const version = versions.find((one) => one.version === number);
  const { name } = model;
  const file = (path: string) => async (): Promise<string> =>
    (await getText(addressOf('/model-versions/get-artifact', { name, version: number, path }), fileBytes)).text;
  const mlModel = useAsk(`MLmodel ${name} ${number}`, file('MLmodel'), false);
  const example = useAsk(
    `example ${name} ${number}`,
    () => file('serving_input_example.json')().catch(file('input_example.json')),
    false,
  );
  if (version === undefined) return <Empty title={words.states.gone} hint={words.models.version(number)} />;
  const signature = readSignature(mlModel.data ?? '');
  const own = { ...trail, trail: trail.trail.filter((entry) => entry.version === number) };
  const { models } = words;
  return (
    <div class="fill">
      <div class="crumbs">
        <a href="#/models">{models.title}</a>
        <a href={href(['models', name])}>{name}</a>
        <h1>{models.version(number)}</h1>
        <Chip text={version.current_stage} plain />
        <span class="grow" />
        <MoveSelect current={version.current_stage} number={number} onMove={setMoving} />
      </div>
      {moving === undefined ? null : (
        <PromoteDialog version={version} stage={moving} onClose={() => setMoving(undefined)} />
      )}
      <div class="page-body">
        <div class="cards">
          <section class="card wide">
            <Facts
              rows={[
                [words.run.facts.status, <Chip text={version.status} />],
                [words.runs.fixed.start, timeText(version.creation_timestamp)],
                [words.run.facts.user, version.user_id],
                [models.description, version.description],
                [models.run, <FromRun id={version.run_id ?? ''} />],
                [models.source, <code>{version.source}</code>],
                [models.alias, <Aliases model={model} number={number} />],
              ]}
            />
            <GateResults version={version} stage="Staging" />
            <GateResults version={version} stage="Production" />
          </section>
          <section class="card">
            <header>
              <h2>{models.signature}</h2>
            </header>
            {signature === undefined ? (
              <p class="soft">{models.noSignature}</p>
            ) : (
              <>
                <Fields title={models.inputs} fields={signature.inputs} />
                <Fields title={models.outputs} fields={signature.outputs} />
              </>
            )}
          </section>
          {example.data === undefined || example.data === '' ? null : (
            <section class="card">
              <header>
                <h2>{models.example}</h2>
              </header>
              <Snippet text={example.data.slice(0, 20_000)} />
            </section>
          )}
          <RunMetrics id={version.run_id ?? ''} />
          <Pairs
            title={words.run.tags}
            none={words.run.noTags}
            rows={(version.tags ?? []).filter(({ key }) => !key.startsWith('mlops.gates.'))}
          />
          <section class="card">
            <header>
              <h2>{models.snippets}</h2>
            </header>
            <Snippet text={`mlops serve models:/${name}/${number}`} />
            <Snippet
              text={`import mlflow\n\nmlflow.set_tracking_uri("${location.origin}${prefix}")\nmodel = mlflow.pyfunc.load_model("models:/${name}/${number}")`}
            />
          </section>
          <Trail name={name} trail={own} />
        </div>
      </div>
    </div>
  );
}

function useRun(id: string) {
  return useAsk(id === '' ? undefined : `run ${id}`, (signal) =>
    get<{ run: Run }>(`${mlflow}/runs/get`, { run_id: id }, signal),
  );
}

function FromRun({ id }: { readonly id: string }) {
  const { data } = useRun(id);
  if (id === '') return <span class="soft">–</span>;
  if (data === undefined) return <code>{id}</code>;
  const { info } = data.run;
  return <a href={href(['experiments', info.experiment_id, 'runs', id])}>{info.run_name}</a>;
}

function RunMetrics({ id }: { readonly id: string }) {
  const { data } = useRun(id);
  return <Pairs title={words.models.metrics} none={words.run.noMetrics} rows={data?.run.data.metrics ?? []} />;
}

function Fields({ title, fields }: { readonly title: string; readonly fields: readonly Field[] }) {
  return (
    <>
      <h3>{title}</h3>
      <table class="plain">
        <tbody>
          {fields.slice(0, 300).map(({ name, type, required }) => (
            <tr key={name}>
              <td>{name}</td>
              <td>
                <code>{required ? type : `${type}?`}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
