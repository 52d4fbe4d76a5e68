import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';

import { filesBelow, isMlopsError, MlopsError, type PyMap, type PyValue } from '../base/index.ts';
import {
  loggedModelStatuses,
  runStatuses,
  stages,
  type DatasetInput,
  type Experiment,
  type LoggedModel,
  type Metric,
  type Run,
  type Tag,
} from '../mlflow/index.ts';
import { parseYaml, pythonStr } from '../project/index.ts';
import { localRoots, type ImportedVersion } from '../tracking/index.ts';
import type { MigrationSource, SourceModel, SourceRun } from './source.ts';

/**
 * MLflow's file store (`mlruns/`): a folder per experiment with a folder per run, metrics as lines of
 * `timestamp value step`; the registry below `models/`. Deleted experiments lie in `.trash`.
 *
 * @throws MlopsError `invalid_value` for a folder that is none.
 */
export function fileStoreSource(root: string): MigrationSource {
  const folders = new Map<string, string>();
  for (const parent of [root, path.join(root, '.trash')]) {
    for (const name of subfolders(parent)) {
      if (/^\d+$/.test(name) && fs.existsSync(path.join(parent, name, 'meta.yaml'))) {
        folders.set(name, path.join(parent, name));
      }
    }
  }
  if (folders.size === 0) {
    throw new MlopsError('invalid_value', `'${root}' is no file store of MLflow: it has no experiments`, {
      hint: 'name the mlruns folder itself',
    });
  }
  const folderOf = (id: string): string => folders.get(id) ?? path.join(root, id);
  return {
    name: root,
    experiments: async () => [...folders].map(([id, folder]) => toExperiment(id, folder)),
    runs: (id) => runsOf(folderOf(id)),
    loggedModels: async (id) => {
      const home = path.join(folderOf(id), 'models');
      return subfolders(home)
        .filter((name) => name.startsWith('m-'))
        .map((name) => toLoggedModel(path.join(home, name)));
    },
    models: async () => {
      const home = path.join(root, 'models');
      return subfolders(home).map((name) => toModel(path.join(home, name)));
    },
    artifacts: (uri) => {
      try {
        return localRoots(root)(uri);
      } catch (error) {
        if (isMlopsError(error, 'invalid_value')) return undefined;
        throw error;
      }
    },
    leftBehind: async () => {
      const traces = [...folders.values()].reduce(
        (sum, folder) => sum + subfolders(path.join(folder, 'traces')).length,
        0,
      );
      return traces === 0 ? [] : [`${traces} traces stay behind`];
    },
    close: async () => undefined,
  };
}

function subfolders(folder: string): string[] {
  if (!fs.existsSync(folder)) return [];
  const entries = fs.readdirSync(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/** The fields of a `meta.yaml`. */
class Meta {
  readonly #map: PyMap;

  constructor(folder: string) {
    const file = path.join(folder, 'meta.yaml');
    const value = parseYaml(fs.readFileSync(file, 'utf8'), file);
    this.#map = value instanceof Map ? value : new Map();
  }

  text(key: string): string {
    const value = this.#map.get(key) ?? null;
    return value === null ? '' : plain(value);
  }

  number(key: string): number | undefined {
    const text = this.text(key);
    return text === '' || Number.isNaN(Number(text)) ? undefined : Number(text);
  }

  pairs(key: string): Tag[] {
    const value = this.#map.get(key);
    return value instanceof Map ? [...value].map(([name, one]) => ({ key: plain(name), value: plain(one) })) : [];
  }
}

function plain(value: PyValue): string {
  return typeof value === 'string' ? value : pythonStr(value);
}

/** A folder of files, the path of each being a key and its content the value. */
function pairsIn(folder: string): Tag[] {
  return filesBelow(folder).map((key) => ({ key, value: fs.readFileSync(path.join(folder, key), 'utf8') }));
}

function toExperiment(id: string, folder: string): Experiment {
  const meta = new Meta(folder);
  const made = Math.round(fs.statSync(folder).mtimeMs);
  return {
    id,
    name: meta.text('name'),
    artifactLocation: meta.text('artifact_location'),
    lifecycle:
      meta.text('lifecycle_stage') === 'deleted' || folder.includes(`${path.sep}.trash${path.sep}`)
        ? 'deleted'
        : 'active',
    creationTime: meta.number('creation_time') ?? made,
    lastUpdateTime: meta.number('last_update_time') ?? made,
    tags: pairsIn(path.join(folder, 'tags')),
  };
}

async function* runsOf(folder: string): AsyncIterable<SourceRun> {
  for (const name of subfolders(folder)) {
    const home = path.join(folder, name);
    if (/^[0-9a-f]{32}$/.test(name) && fs.existsSync(path.join(home, 'meta.yaml'))) yield toRun(home, folder);
  }
}

function toRun(home: string, experiment: string): SourceRun {
  const meta = new Meta(home);
  const tags = pairsIn(path.join(home, 'tags'));
  // Very old stores have the name in the tag only.
  const named = tags.find((tag) => tag.key === 'mlflow.runName')?.value ?? '';
  const status = meta.text('status');
  const run: Run = {
    info: {
      id: meta.text('run_id') || meta.text('run_uuid'),
      experimentId: meta.text('experiment_id'),
      name: meta.text('run_name') || named,
      userId: meta.text('user_id'),
      // Written as the number of the enumeration, which counts from 1.
      status: runStatuses.find((one) => one === status) ?? runStatuses[Number(status) - 1] ?? 'FINISHED',
      startTime: meta.number('start_time') ?? 0,
      endTime: meta.number('end_time'),
      artifactUri: placeOf(meta.text('artifact_uri'), home),
      lifecycle: meta.text('lifecycle_stage') === 'deleted' ? 'deleted' : 'active',
    },
    metrics: [],
    params: pairsIn(path.join(home, 'params')),
    tags,
    datasets: datasetsOf(home, experiment),
    modelInputs: [],
    modelOutputs: subfolders(path.join(home, 'outputs')).map((name) => {
      const output = new Meta(path.join(home, 'outputs', name));
      return { modelId: output.text('destination_id'), step: output.number('step') ?? 0 };
    }),
  };
  return { run, points: pointsIn(path.join(home, 'metrics')) };
}

/** The store writes absolute paths, which are wrong once the folder has been moved. */
function placeOf(uri: string, home: string): string {
  const written = uri.startsWith('file:') ? fileURLToPath(uri) : uri;
  const beside = path.join(home, 'artifacts');
  return !/^[a-z][a-z0-9+.-]+:/i.test(written) && !fs.existsSync(written) && fs.existsSync(beside) ? beside : uri;
}

function pointsIn(folder: string): Metric[] {
  return filesBelow(folder).flatMap((key) => {
    const lines = fs.readFileSync(path.join(folder, key), 'utf8').split('\n');
    return lines.flatMap((line): Metric[] => {
      const [timestamp, value, step = '0', runId, datasetName, datasetDigest] = line.trim().split(' ');
      if (timestamp === undefined || value === undefined || timestamp === '') return [];
      const point = { key, timestamp: Number(timestamp), value: double(value), step: Number(step) };
      return [runId === undefined ? point : { ...point, runId, datasetName, datasetDigest }];
    });
  });
}

function double(text: string): number {
  if (/^[-+]?inf/i.test(text)) return text.startsWith('-') ? -Number.MAX_VALUE : Number.MAX_VALUE;
  return Number(text);
}

function datasetsOf(home: string, experiment: string): DatasetInput[] {
  return subfolders(path.join(home, 'inputs')).flatMap((name): DatasetInput[] => {
    const input = new Meta(path.join(home, 'inputs', name));
    const folder = path.join(experiment, 'datasets', input.text('source_id'));
    if (input.text('source_type') !== 'DATASET' || !fs.existsSync(folder)) return [];
    const meta = new Meta(folder);
    const dataset = {
      name: meta.text('name'),
      digest: meta.text('digest'),
      sourceType: meta.text('source_type'),
      source: meta.text('source'),
      schema: meta.text('schema') || undefined,
      profile: meta.text('profile') || undefined,
    };
    return [{ dataset, tags: input.pairs('tags') }];
  });
}

function toLoggedModel(home: string): LoggedModel {
  const meta = new Meta(home);
  const id = meta.text('model_id');
  return {
    id,
    experimentId: meta.text('experiment_id'),
    name: meta.text('name'),
    artifactUri: placeOf(meta.text('artifact_location'), home),
    creationTime: meta.number('creation_timestamp') ?? 0,
    lastUpdatedTime: meta.number('last_updated_timestamp') ?? 0,
    status: loggedModelStatuses[meta.number('status') ?? 0] ?? 'LOGGED_MODEL_STATUS_UNSPECIFIED',
    statusMessage: meta.text('status_message') || undefined,
    modelType: meta.text('model_type'),
    sourceRunId: meta.text('source_run_id'),
    tags: pairsIn(path.join(home, 'tags')),
    params: pairsIn(path.join(home, 'params')),
    metrics: pointsIn(path.join(home, 'metrics')).map((point) => ({ ...point, modelId: id })),
  };
}

function toModel(home: string): SourceModel {
  const meta = new Meta(home);
  const name = meta.text('name');
  const aliases = pairsIn(path.join(home, 'aliases')).map(({ key, value }) => ({ alias: key, version: value.trim() }));
  const versions = subfolders(home)
    .filter((folder) => /^version-\d+$/.test(folder))
    .map((folder) => toVersion(path.join(home, folder), name));
  return {
    model: {
      name,
      creationTime: meta.number('creation_timestamp') ?? 0,
      lastUpdatedTime: meta.number('last_updated_timestamp') ?? 0,
      description: meta.text('description'),
      latestVersions: [],
      tags: pairsIn(path.join(home, 'tags')),
      aliases,
    },
    versions: versions.sort((a, b) => Number(a.version) - Number(b.version)),
  };
}

function toVersion(home: string, name: string): ImportedVersion {
  const meta = new Meta(home);
  const stage = meta.text('current_stage');
  const source = meta.text('source');
  return {
    name,
    version: meta.text('version'),
    creationTime: meta.number('creation_timestamp') ?? 0,
    lastUpdatedTime: meta.number('last_updated_timestamp') ?? 0,
    userId: meta.text('user_id'),
    stage: stages.find((one) => one === stage) ?? 'None',
    description: meta.text('description'),
    source,
    runId: meta.text('run_id'),
    runLink: meta.text('run_link'),
    modelId: meta.text('model_id') || undefined,
    status: 'READY',
    statusMessage: '',
    tags: pairsIn(path.join(home, 'tags')),
    aliases: [],
    location: meta.text('storage_location') || source,
  };
}
