import { get, mlflow } from '../kit/api.ts';
import { useAsk } from '../kit/ask.ts';
import { numberText } from '../kit/format.ts';
import type { ModelVersion, Run } from '../kit/mlflow.ts';
import { words } from '../words.ts';

const newest = 20;
const shownMetrics = 8;

/** The metrics of the runs that the newest versions came from, beside each other. */
export function VersionMetrics({ versions }: { readonly versions: readonly ModelVersion[] }) {
  const some = versions.filter(({ run_id: run }) => run !== undefined && run !== '').slice(0, newest);
  const { data } = useAsk(
    some.length === 0 ? undefined : `metrics ${some.map(({ run_id: run }) => run).join()}`,
    (signal) =>
      Promise.all(
        some.map(async ({ run_id: id }) => {
          // A run may be gone for good while its version is still there.
          const answer = await get<{ run: Run }>(`${mlflow}/runs/get`, { run_id: id }, signal).catch(() => undefined);
          return new Map((answer?.run.data.metrics ?? []).map(({ key, value }) => [key, value]));
        }),
      ),
  );
  if (data === undefined || data.every((metrics) => metrics.size === 0)) return null;
  const keys = [...new Set(data.flatMap((metrics) => [...metrics.keys()]))]
    .filter((key) => !key.startsWith('system/'))
    .toSorted()
    .slice(0, shownMetrics);
  return (
    <section class="card wide">
      <header>
        <h2>{words.models.across}</h2>
      </header>
      <div class="pairs" tabIndex={0} role="group" aria-label={words.models.across}>
        <table class="plain">
          <thead>
            <tr>
              <th>{words.models.trailColumns.version}</th>
              {keys.map((key) => (
                <th key={key} class="number">
                  {key}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {some.map(({ version }, i) => (
              <tr key={version}>
                <td>{version}</td>
                {keys.map((key) => (
                  <td key={key} class="number">
                    {numberText(data[i]?.get(key))}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
