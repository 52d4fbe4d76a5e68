import { checkExperimentTag, checkLength, invalid, limits, missing } from '../../mlflow/index.ts';
import { checkLocation } from '../artifacts/location.ts';
import type { NewExperiment } from '../types.ts';

export function checkNewExperiment({ name, artifactLocation, tags = [] }: NewExperiment): void {
  if (name === '') throw missing('name');
  checkLength('name', name, limits.experimentName);
  if (artifactLocation !== undefined && artifactLocation !== '') checkLocation(artifactLocation);
  tags.forEach(checkExperimentTag);
}

export function checkExperimentId(id: string): void {
  if (/^-?\d{1,18}$/.test(id)) return;
  throw invalid(`Invalid experiment ID '${id}'. Experiment ID must be a valid integer.`);
}

/** An id without the zeros that MLflow's integers drop. */
export function plainExperimentId(id: string): string {
  checkExperimentId(id);
  return id.replace(/^0+(?=\d)/, '');
}

export function checkNewName(name: string): void {
  if (name === '') throw missing('new_name');
  checkLength('name', name, limits.experimentName);
}
