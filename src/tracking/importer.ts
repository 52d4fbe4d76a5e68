import type { Experiment, LoggedModel, Metric, ModelVersion, RegisteredModel, Run } from '../mlflow/index.ts';

/** A version with the place of its files, which the wire does not carry. */
export interface ImportedVersion extends ModelVersion {
  readonly location: string;
}

/**
 * Takes over things from another store with their ids and times. Each call is one transaction; what is there
 * already stays as it is, so an interrupted import can be run again.
 */
export interface Importer {
  /** @returns the id, a new one when another experiment has it, and the one that is there when the name is known. */
  experiment(experiment: Experiment): Promise<string>;
  /** @returns false when the run was there. */
  run(run: Run, points: readonly Metric[]): Promise<boolean>;
  loggedModel(model: LoggedModel): Promise<boolean>;
  registeredModel(model: RegisteredModel, versions: readonly ImportedVersion[]): Promise<boolean>;
}
