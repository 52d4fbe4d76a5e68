import { MlopsError } from '../base/index.ts';
import { object, only } from './fields.ts';
import { prunerOf } from './pruners/pruners.ts';
import { samplerOf } from './samplers/samplers.ts';
import { readSpace } from './read-space.ts';
import { Study } from './study.ts';
import type { Direction } from './trial.ts';

/** Reads `{"name"?, "directions", "space", "sampler"?, "pruner"?}`. Throws a `tune_space` error that names the key. */
export function readStudy(data: unknown): Study {
  const fields = object(data, 'study');
  only(fields, ['name', 'directions', 'direction', 'space', 'sampler', 'pruner'], 'study');
  const space = readSpace(fields['space']);
  const directions = readDirections(fields['directions'] ?? fields['direction'] ?? 'minimize');
  const name = fields['name'] ?? 'study';
  if (typeof name !== 'string') throw new MlopsError('tune_space', `'name' must be a text`);
  const sampler = samplerOf(fields['sampler'] ?? {}, space, directions);
  const pruner = fields['pruner'] === undefined ? undefined : prunerOf(fields['pruner'], directions);
  return new Study({ name, space, directions, sampler, pruner });
}

function readDirections(data: unknown): Direction[] {
  const list: readonly unknown[] = Array.isArray(data) ? data : [data];
  if (list.length === 0) throw new MlopsError('tune_space', `'directions' is empty: name one for each objective`);
  return list.map((direction) => {
    if (direction === 'minimize' || direction === 'maximize') return direction;
    throw new MlopsError('tune_space', `a direction is 'minimize' or 'maximize', not ${JSON.stringify(direction)}`);
  });
}
