import { pythonJson, type PyMap, type PyValue } from '../../base/index.ts';
import type {
  Baseline,
  ExperimentFile,
  ExperimentOut,
  ExperimentState,
} from '../../repo/experiments/experiments-show.ts';
import type { FileReport } from '../../repo/reports/report.ts';
import { isoLocal } from './experiment-table.ts';

/** `exp show --json` in DVC's shape. */
export function experimentsJson(baselines: readonly Baseline[]): string {
  const list = baselines.map((baseline) => {
    const experiments = baseline.experiments.map(({ name, revs }) =>
      pyMap({ revs: revs.map((state) => stateJson(state, null)), executor: null, name }),
    );
    return stateJson(baseline, experiments.length === 0 ? null : experiments);
  });
  return pythonJson(list, false);
}

function stateJson(state: ExperimentState, experiments: PyValue): PyMap {
  const { rev, data, error } = state;
  const inner =
    data === undefined
      ? null
      : pyMap({
          rev,
          timestamp: data.time === undefined ? null : isoLocal(data.time),
          params: mapValues(data.params, reportJson),
          metrics: mapValues(data.metrics, reportJson),
          deps: mapValues(data.deps, fileJson),
          outs: mapValues(data.outs, outJson),
          meta: new Map(),
        });
  const problem = error === undefined ? null : pyMap({ msg: error.message, type: error.type });
  return pyMap({ rev, name: state.name ?? null, data: inner, error: problem, experiments });
}

function reportJson(report: FileReport): PyMap {
  if ('data' in report) return pyMap({ data: report.data });
  return pyMap({ error: pyMap({ type: report.error.type, msg: report.error.message }) });
}

function fileJson(file: ExperimentFile): PyMap {
  return pyMap({ hash: file.hash ?? null, size: file.size ?? null, nfiles: file.nfiles ?? null });
}

function outJson(out: ExperimentOut): PyMap {
  return new Map([...fileJson(out), ['use_cache', out.useCache], ['is_data_source', out.isDataSource]]);
}

function mapValues<T>(map: ReadonlyMap<string, T>, convert: (value: T) => PyMap): PyMap {
  return new Map([...map].map(([key, value]): [PyValue, PyValue] => [key, convert(value)]));
}

function pyMap(object: Readonly<Record<string, PyValue>>): PyMap {
  return new Map(Object.entries(object));
}
