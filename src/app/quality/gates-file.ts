import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { parseSettings, setting, tryFindProject, type SettingOf } from '../../project/index.ts';
import type { Stage } from '../../mlflow/index.ts';
import { scoreNames } from '../../monitor/index.ts';
import { readSettingsText } from '../monitor/data-schema.ts';

const { fields, required, optional, listOf } = setting;

const tested = {
  metric: required(setting.choice(scoreNames), {
    about: 'as `monitor performance` names it: accuracy, f1_macro, rmse...',
  }),
  data: required(setting.text(), { about: 'table with the test rows' }),
  target: required(setting.text(), { about: 'its column that is to be predicted; the others are the inputs' }),
};

const stageGates = fields({
  metrics: optional(
    listOf(
      setting.checked(
        fields({
          metric: required(setting.text(), { about: 'of the run that a version came from' }),
          min: optional(setting.number(), { about: 'least value' }),
          max: optional(setting.number(), { about: 'largest value' }),
        }),
        ({ min, max }) => (min === undefined && max === undefined ? 'min or max is missing' : undefined),
      ),
    ),
    { about: 'thresholds' },
  ),
  not_worse: optional(
    listOf(
      fields({
        than: optional(setting.text(), { about: 'stage, @alias or version to compare with', fallback: 'Production' }),
        ...tested,
        margin: optional(setting.number({ min: 0 }), { about: 'how much worse is still fine', fallback: 0 }),
        confidence: optional(setting.number({ above: 0, max: 0.9999 }), { about: 'of the interval', fallback: 0.95 }),
        seed: optional(setting.integer({ min: 0 }), { about: 'of the bootstrap', fallback: 0 }),
      }),
    ),
    { about: 'paired bootstrap on the same rows' },
  ),
  slices: optional(
    listOf(
      fields({
        column: required(setting.text(), { about: 'each value of it is a slice' }),
        ...tested,
        min: required(setting.number(), { about: 'floor for each slice; for an error its ceiling' }),
      }),
    ),
    { about: 'floors for parts of the test rows' },
  ),
  size_mb: optional(
    fields({ max: required(setting.number({ above: 0 }), { about: 'megabytes (10^6) of all its files' }) }),
    {
      about: 'how large a model may be',
    },
  ),
  latency_ms: optional(fields({ p95: required(setting.number({ above: 0 }), { about: 'milliseconds of one row' }) }), {
    about: 'how slow it may be, measured with the model loaded',
  }),
  required: optional(
    fields({
      tags: optional(setting.either(listOf(setting.text()), setting.mapOf(setting.scalar(), 'TAG')), {
        about: 'names of tags of the version, or tags with their values',
      }),
      signature: optional(setting.flag(), { about: 'a signature in its MLmodel', fallback: false }),
      input_example: optional(setting.flag(), { about: 'an input example', fallback: false }),
      lineage: optional(setting.flag(), { about: 'a run that says what data it was made from', fallback: false }),
      clean_git: optional(setting.flag(), { about: 'made from a commit without changes', fallback: false }),
      signed: optional(setting.flag(), { about: 'signed by a key that mlops.yaml trusts', fallback: false }),
    }),
    { about: 'what a version must have' },
  ),
  drift: optional(fields({ max_share: required(setting.share(), { about: 'largest share of drifted columns' }) }), {
    about: 'between its training data and the last seven days of the prediction log',
  }),
});

const stages = fields({
  Staging: optional(stageGates, { about: 'gates of this stage' }),
  Production: optional(stageGates, { about: 'gates of this stage' }),
  Archived: optional(stageGates, { about: 'gates of this stage' }),
  None: optional(stageGates, { about: 'gates of this stage' }),
});

const kind = fields({
  version: required(setting.exactly(1), { about: 'version of this format' }),
  stages: optional(stages, { about: 'gates of stages, for all models' }),
  models: optional(setting.mapOf(fields({ stages: optional(stages, { about: 'instead of those for all' }) }), 'NAME'), {
    about: 'gates of one model',
  }),
  data: optional(
    listOf(
      fields({
        file: required(setting.text(), { about: 'data file' }),
        schema: optional(setting.text(), { about: 'its schema', fallback: 'data.schema.yaml' }),
      }),
    ),
    { about: 'data checks' },
  ),
  code: optional(
    listOf(
      fields({
        name: required(setting.text(), { about: 'as it is shown' }),
        run: required(setting.text(), { about: 'shell command; exit status 0 passes' }),
      }),
    ),
    { about: 'code checks' },
  ),
});

type GatesSettings = SettingOf<typeof kind>;
export type StageGates = SettingOf<typeof stageGates>;

/** A gates.yaml that was read. */
export interface Gates extends GatesSettings {
  /** SHA-256 of the file. */
  readonly hash: string;
  /** Absolute; paths in the file start here, commands run here. */
  readonly folder: string;
  /** As it is named. */
  readonly file: string;
}

const fileName = 'gates.yaml';

/** Reads a gates.yaml. @throws MlopsError `bad_settings`. */
export function readGates(cwd: string, file: string): Gates {
  const text = readSettingsText(cwd, file, 'docs/gates.md shows how to write one');
  const settings = parseSettings({ file, text, docs: 'docs/gates.md' }, kind);
  const hash = createHash('sha256').update(text).digest('hex');
  return { ...settings, hash, folder: path.dirname(path.resolve(cwd, file)), file };
}

/** The gates.yaml of where the user stands: beside them, else at the root of the project. */
export function findGates(cwd: string): string | undefined {
  const root = tryFindProject(cwd)?.root;
  const candidates = [cwd, ...(root === undefined ? [] : [root])].map((folder) => path.join(folder, fileName));
  const found = candidates.find((file) => fs.existsSync(file));
  return found === undefined ? undefined : path.relative(cwd, found);
}

/** The gates of a model for a stage; its own go before those for all. */
export function gatesOf(gates: Gates, model: string, stage: Stage): StageGates | undefined {
  return gates.models?.get(model)?.stages?.[stage] ?? gates.stages?.[stage];
}

/** The stage that is meant where none is named: Production, else the one that has gates. */
export function defaultStage(gates: Gates, model: string): Stage {
  const order: readonly Stage[] = ['Production', 'Staging', 'None', 'Archived'];
  return order.find((stage) => gatesOf(gates, model, stage) !== undefined) ?? 'Production';
}
