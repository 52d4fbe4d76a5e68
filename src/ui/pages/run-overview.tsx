import { useState } from 'preact/hooks';

import type { TableAnswer } from '../../api/ui/wire.ts';
import { get, mlflow, post, prefix } from '../kit/api.ts';
import { useAsk } from '../kit/ask.ts';
import { durationText, numberText, timeText } from '../kit/format.ts';
import { Icon } from '../kit/icon.tsx';
import { Notes } from '../kit/notes.tsx';
import { tagOf, type ModelVersion, type Run } from '../kit/mlflow.ts';
import { act, FormDialog } from '../kit/overlays.tsx';
import { Chip, Copy, Facts, Snippet } from '../kit/parts.tsx';
import { href } from '../kit/route.ts';
import { words } from '../words.ts';

const noteTag = 'mlflow.note.content';

export function Overview({ run }: { readonly run: Run }) {
  const { info, data } = run;
  const { facts } = words.run;
  const parent = tagOf(data.tags, 'mlflow.parentRunId');
  const commit = tagOf(data.tags, 'mlflow.source.git.commit');
  const source = tagOf(data.tags, 'mlflow.source.name');
  const setTag = (key: string, value: string) =>
    act(() => post(`${mlflow}/runs/set-tag`, { run_id: info.run_id, key, value }));
  return (
    <div class="cards">
      <section class="card wide">
        <Facts
          rows={[
            [facts.status, <Chip text={info.status} />],
            [facts.started, timeText(info.start_time)],
            [facts.duration, durationText(info.start_time, info.end_time)],
            [facts.user, tagOf(data.tags, 'mlflow.user') ?? info.user_id],
            [facts.id, <WithCopy text={info.run_id} />],
            [facts.source, source],
            [facts.commit, commit === undefined ? '' : <WithCopy text={commit} />],
            [
              facts.parent,
              parent === undefined ? (
                ''
              ) : (
                <a href={href(['experiments', info.experiment_id, 'runs', parent])}>{parent}</a>
              ),
            ],
            [facts.models, <Models run={run} />],
            [facts.artifacts, <code>{info.artifact_uri}</code>],
          ]}
        />
      </section>
      <Pairs
        title={words.run.metrics}
        none={words.run.noMetrics}
        rows={(data.metrics ?? []).map(({ key, value, step }) => ({ key, value, more: `${words.run.step} ${step}` }))}
      />
      <Pairs title={words.run.params} none={words.run.noParams} rows={data.params ?? []} />
      <section class="card">
        <Notes text={tagOf(data.tags, noteTag) ?? ''} onSave={(text) => setTag(noteTag, text)} />
      </section>
      <Tags run={run} onSet={setTag} />
      <Datasets run={run} />
      <Nested run={run} />
      <section class="card">
        <header>
          <h2>{words.run.reproduce}</h2>
        </header>
        <Snippet text={`mlops runs show ${info.run_id}`} />
        <Snippet
          text={`import mlflow\n\nmlflow.set_tracking_uri("${location.origin}${prefix}")\nrun = mlflow.get_run("${info.run_id}")\nmlflow.artifacts.download_artifacts(run_id="${info.run_id}")`}
        />
      </section>
    </div>
  );
}

function WithCopy({ text }: { readonly text: string }) {
  return (
    <>
      <code>{text}</code> <Copy text={text} />
    </>
  );
}

/** Logged models, and versions that were registered from this run. */
function Models({ run }: { readonly run: Run }) {
  const { run_id: id, experiment_id: experiment } = run.info;
  const { data } = useAsk(`versions of ${id}`, (signal) =>
    get<{ model_versions?: readonly ModelVersion[] }>(
      `${mlflow}/model-versions/search`,
      { filter: `run_id = '${id}'`, max_results: 50 },
      signal,
    ),
  );
  const logged = run.outputs.model_outputs ?? [];
  const registered = data?.model_versions ?? [];
  if (logged.length + registered.length === 0) return <span class="soft">–</span>;
  return (
    <>
      {registered.map(({ name, version }) => (
        <a key={`${name} ${version}`} class="badge" href={href(['models', name, 'versions', version])}>
          {`${name} ${version}`}
        </a>
      ))}
      {logged.map(({ model_id: model }) => (
        <a key={model} class="badge" href={href(['experiments', experiment, 'models', model])}>
          {model}
        </a>
      ))}
    </>
  );
}

interface PairRow {
  readonly key: string;
  readonly value: string | number;
  readonly more?: string;
}

const listed = 500;

export function Pairs(props: { readonly title: string; readonly none: string; readonly rows: readonly PairRow[] }) {
  const [text, setText] = useState('');
  const found = props.rows.filter(({ key }) => key.toLowerCase().includes(text.trim().toLowerCase()));
  return (
    <section class="card">
      <header>
        <h2>
          {props.title} <span class="soft">{props.rows.length}</span>
        </h2>
        {props.rows.length < 8 ? null : (
          <input
            aria-label={`${words.run.search} ${props.title}`}
            placeholder={words.run.search}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        )}
      </header>
      {props.rows.length === 0 ? (
        <p class="soft">{props.none}</p>
      ) : (
        <div class="pairs" tabIndex={0} role="group" aria-label={props.title}>
          <table class="plain">
            <tbody>
              {found.slice(0, listed).map(({ key, value, more }) => (
                <tr key={key} title={more}>
                  <td>{key}</td>
                  <td class={typeof value === 'number' ? 'number' : 'wrap'}>
                    {typeof value === 'number' ? numberText(value) : value}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Tags({ run, onSet }: { readonly run: Run; readonly onSet: (key: string, value: string) => Promise<boolean> }) {
  const [adding, setAdding] = useState(false);
  const tags = (run.data.tags ?? []).filter(({ key }) => key !== noteTag);
  const remove = (key: string): void =>
    void act(() => post(`${mlflow}/runs/delete-tag`, { run_id: run.info.run_id, key }));
  return (
    <section class="card">
      <header>
        <h2>
          {words.run.tags} <span class="soft">{tags.length}</span>
        </h2>
        <button class="button small" onClick={() => setAdding(true)}>
          {words.run.addTag}
        </button>
      </header>
      {adding ? (
        <FormDialog
          title={words.run.addTag}
          fields={[
            { name: 'key', label: words.runs.tagKey },
            { name: 'value', label: words.runs.tagValue },
          ]}
          onClose={() => setAdding(false)}
          onSave={({ key = '', value = '' }) => void onSet(key, value)}
        />
      ) : null}
      {tags.length === 0 ? (
        <p class="soft">{words.run.noTags}</p>
      ) : (
        <div class="pairs" tabIndex={0} role="group" aria-label={words.run.tags}>
          <table class="plain">
            <tbody>
              {tags.slice(0, listed).map(({ key, value }) => (
                <tr key={key}>
                  <td>{key}</td>
                  <td class="wrap">{value.length > 2000 ? `${value.slice(0, 2000)}…` : value}</td>
                  <td class="act">
                    <button class="quiet" title={words.run.removeTag(key)} onClick={() => remove(key)}>
                      <Icon name="close" />
                      <span class="hidden">{words.run.removeTag(key)}</span>
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Datasets({ run }: { readonly run: Run }) {
  const datasets = run.inputs.dataset_inputs ?? [];
  if (datasets.length === 0) return null;
  return (
    <section class="card">
      <header>
        <h2>{words.run.datasets}</h2>
      </header>
      {datasets.map(({ dataset, tags }) => (
        <div key={`${dataset.name} ${dataset.digest}`}>
          <strong>{dataset.name}</strong> <code>{dataset.digest}</code>{' '}
          <span class="badge">{tagOf(tags, 'mlflow.data.context') ?? dataset.source_type}</span>
          <p class="soft">
            <code>{dataset.source}</code>
          </p>
          {dataset.profile === undefined ? null : <code class="soft">{dataset.profile}</code>}
        </div>
      ))}
    </section>
  );
}

function Nested({ run }: { readonly run: Run }) {
  const body = {
    experiment_ids: [run.info.experiment_id],
    filter: `tags.mlflow.parentRunId = '${run.info.run_id}'`,
    max_results: 200,
  };
  const { data } = useAsk(JSON.stringify(body), (signal) => post<TableAnswer>(`${mlflow}/mlops-ui/runs`, body, signal));
  if (data === undefined || data.rows.length === 0) return null;
  return (
    <section class="card">
      <header>
        <h2>
          {words.run.nested} <span class="soft">{data.rows.length}</span>
        </h2>
      </header>
      <div class="pairs" tabIndex={0} role="group" aria-label={words.run.nested}>
        <table class="plain">
          <tbody>
            {data.rows.map((row) => (
              <tr key={row.run_id}>
                <td>
                  <a href={href(['experiments', row.experiment_id, 'runs', row.run_id])}>{row.name}</a>
                </td>
                <td>
                  <Chip text={row.status} />
                </td>
                <td class="number">{durationText(row.start_time, row.end_time)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
