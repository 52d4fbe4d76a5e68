import type { WireTag } from '../../api/ui/wire.ts';
import { get, mlflow } from '../kit/api.ts';
import { useAsk } from '../kit/ask.ts';
import { timeText } from '../kit/format.ts';
import type { Metric } from '../kit/mlflow.ts';
import { Chip, Facts, Failure, Loading } from '../kit/parts.tsx';
import { href, type Route } from '../kit/route.ts';
import { words } from '../words.ts';
import { Pairs } from './run-overview.tsx';

interface LoggedModel {
  readonly info: {
    readonly model_id: string;
    readonly experiment_id: string;
    readonly name: string;
    readonly creation_timestamp_ms: number;
    readonly artifact_uri: string;
    readonly status: string | number;
    readonly model_type?: string;
    readonly source_run_id?: string;
    readonly tags?: readonly WireTag[];
  };
  readonly data?: { readonly params?: readonly WireTag[]; readonly metrics?: readonly Metric[] };
}

const statuses: Readonly<Record<string, string>> = { 1: 'PENDING', 2: 'READY', 3: 'FAILED' };

/** A model as a run logged it, before any registration: MLflow's `#/experiments/1/models/m-...`. */
export function LoggedModelPage({ route }: { readonly route: Route }) {
  const [, experiment = '', , id = ''] = route.parts;
  const { data, error } = useAsk(`logged model ${id}`, (signal) =>
    get<{ model: LoggedModel }>(`${mlflow}/logged-models/${encodeURIComponent(id)}`, {}, signal),
  );
  if (error !== undefined && data === undefined) return <Failure error={error} />;
  if (data === undefined) return <Loading />;
  const { info, data: values } = data.model;
  const run = info.source_run_id ?? '';
  const status = statuses[String(info.status)] ?? String(info.status).replace('LOGGED_MODEL_', '');
  return (
    <div class="fill">
      <div class="crumbs">
        <a href="#/experiments">{words.experiments.title}</a>
        <a href={href(['experiments', experiment])}>{words.run.facts.experiment}</a>
        <h1>{info.name}</h1>
        <Chip text={status} />
      </div>
      <div class="page-body">
        <div class="cards">
          <section class="card wide">
            <Facts
              rows={[
                [words.run.facts.id, <code>{info.model_id}</code>],
                [words.runs.fixed.start, timeText(info.creation_timestamp_ms)],
                [
                  words.models.run,
                  run === '' ? '' : <a href={href(['experiments', info.experiment_id, 'runs', run])}>{run}</a>,
                ],
                [words.models.source, <code>{info.artifact_uri}</code>],
              ]}
            />
          </section>
          <Pairs title={words.run.params} none={words.run.noParams} rows={values?.params ?? []} />
          <Pairs title={words.run.metrics} none={words.run.noMetrics} rows={values?.metrics ?? []} />
          <Pairs title={words.run.tags} none={words.run.noTags} rows={info.tags ?? []} />
        </div>
      </div>
    </div>
  );
}
