import { isDeepStrictEqual } from 'node:util';

import { MlopsError } from '../../base/index.ts';
import { prunerOf } from '../pruners/pruners.ts';
import { readSpace } from '../read-space.ts';
import { samplerOf } from '../samplers/samplers.ts';
import { contains, type Params, type Space } from '../space.ts';
import type { Direction, Pruner, Sampler } from '../trial.ts';

/** The version of what is stored of a study. A newer one is not opened. */
export const specVersion = 1;

/** What is searched, as it is stored with a study. */
export interface StudySpec {
  readonly version: number;
  /** As `tune drive` takes it. */
  readonly space: Readonly<Record<string, unknown>>;
  readonly directions: readonly Direction[];
  /** What the objectives are called, one a direction. */
  readonly objectives: readonly string[];
  /** With its seed. A name `optuna:CLASS` is Optuna's own. */
  readonly sampler: Readonly<Record<string, unknown>>;
  readonly pruner: Readonly<Record<string, unknown>> | null;
  /** No setting twice. */
  readonly dedupe: boolean;
  /** Params, or some of them, of the first trials. */
  readonly enqueue: readonly Params[];
  /** How trials are run, for whoever runs them; nothing that changes what is suggested. */
  readonly run: Readonly<Record<string, unknown>>;
}

export interface SpecParts {
  readonly space: Space;
  /** Undefined for one of Optuna's. */
  readonly sampler: Sampler | undefined;
  readonly pruner: Pruner | undefined;
}

/** @throws MlopsError `tune_space` where something does not fit together. */
export function partsOf(spec: StudySpec): SpecParts {
  const space = readSpace(spec.space);
  for (const [i, params] of spec.enqueue.entries()) checkEnqueued(space, params, i);
  const foreign = isOptunas(spec.sampler);
  return {
    space,
    sampler: foreign ? undefined : samplerOf(spec.sampler, space, spec.directions),
    pruner: spec.pruner === null ? undefined : prunerOf(spec.pruner, spec.directions),
  };
}

export function isOptunas(sampler: StudySpec['sampler']): boolean {
  return String(sampler['name'] ?? '').startsWith('optuna:');
}

function checkEnqueued(space: Space, params: Params, index: number): void {
  for (const [name, value] of Object.entries(params)) {
    const parameter = space.get(name);
    if (parameter !== undefined && contains(parameter.domain, value)) continue;
    const problem = parameter === undefined ? 'is no parameter of the space' : `cannot be ${JSON.stringify(value)}`;
    throw new MlopsError('tune_space', `'enqueue' ${index + 1}: '${name}' ${problem}`);
  }
}

/** @throws MlopsError `store_version` for a study of a newer mlops, `store_broken` for one that cannot be read. */
export function parseSpec(text: string, study: string): StudySpec {
  let spec: StudySpec;
  try {
    spec = JSON.parse(text) as StudySpec;
  } catch (error) {
    throw new MlopsError('store_broken', `study '${study}' is damaged: ${(error as Error).message}`, { cause: error });
  }
  if (spec.version <= specVersion) return spec;
  throw new MlopsError(
    'store_version',
    `study '${study}' was made by a newer mlops: it has version ${spec.version}, this one knows ${specVersion}`,
    { hint: 'upgrade mlops (npm i -g mlops)' },
  );
}

/** In which ways two specs suggest differently, in words; none where a study can just go on. */
export function differences(stored: StudySpec, wanted: StudySpec): string[] {
  const found: string[] = [];
  const names = new Set([...Object.keys(stored.space), ...Object.keys(wanted.space)]);
  for (const name of [...names].sort()) {
    const [before, now] = [stored.space[name], wanted.space[name]];
    if (isDeepStrictEqual(before, now)) continue;
    if (before === undefined) found.push(`'${name}' is new`);
    else if (now === undefined) found.push(`'${name}' is gone`);
    else found.push(`'${name}' was ${JSON.stringify(before)} and is ${JSON.stringify(now)}`);
  }
  if (!isDeepStrictEqual(stored.directions, wanted.directions)) {
    found.push(`the directions were ${stored.directions.join(', ')} and are ${wanted.directions.join(', ')}`);
  }
  if (!isDeepStrictEqual(stored.objectives, wanted.objectives)) {
    found.push(`the metrics were ${stored.objectives.join(', ')} and are ${wanted.objectives.join(', ')}`);
  }
  return found;
}
