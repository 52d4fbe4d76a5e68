/** MLflow's answers as its REST protocol has them: lists that are empty are left out. */
import type { WireNumber, WireTag } from '../../api/ui/wire.ts';

export interface Experiment {
  readonly experiment_id: string;
  readonly name: string;
  readonly lifecycle_stage: string;
  readonly artifact_location: string;
  readonly tags?: readonly WireTag[];
}

export interface Metric {
  readonly key: string;
  readonly value: WireNumber;
  readonly timestamp: number;
  readonly step: number;
}

export interface Run {
  readonly info: {
    readonly run_id: string;
    readonly experiment_id: string;
    readonly run_name: string;
    readonly user_id: string;
    readonly status: string;
    readonly start_time: number;
    readonly end_time?: number;
    readonly artifact_uri: string;
    readonly lifecycle_stage: string;
  };
  readonly data: {
    readonly metrics?: readonly Metric[];
    readonly params?: readonly WireTag[];
    readonly tags?: readonly WireTag[];
  };
  readonly inputs: {
    readonly dataset_inputs?: readonly {
      readonly tags?: readonly WireTag[];
      readonly dataset: {
        readonly name: string;
        readonly digest: string;
        readonly source_type: string;
        readonly source: string;
        readonly schema?: string;
        readonly profile?: string;
      };
    }[];
    readonly model_inputs?: readonly { readonly model_id: string }[];
  };
  readonly outputs: { readonly model_outputs?: readonly { readonly model_id: string; readonly step: number }[] };
}

export interface ArtifactEntry {
  readonly path: string;
  readonly is_dir: boolean;
  readonly file_size?: number;
}

export interface ModelVersion {
  readonly name: string;
  readonly version: string;
  readonly creation_timestamp: number;
  readonly last_updated_timestamp: number;
  readonly current_stage: string;
  readonly description?: string;
  readonly source: string;
  readonly run_id?: string;
  readonly user_id?: string;
  readonly status: string;
  readonly tags?: readonly WireTag[];
  readonly aliases?: readonly string[];
}

export interface RegisteredModel {
  readonly name: string;
  readonly creation_timestamp: number;
  readonly last_updated_timestamp: number;
  readonly description?: string;
  readonly latest_versions?: readonly ModelVersion[];
  readonly tags?: readonly WireTag[];
  readonly aliases?: readonly { readonly alias: string; readonly version: string }[];
}

export interface TraceInfo {
  readonly trace_id: string;
  readonly request_time: string;
  readonly execution_duration?: string;
  readonly state: string;
  readonly request_preview?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly trace_metadata?: Readonly<Record<string, string>>;
}

export function tagOf(tags: readonly WireTag[] | undefined, key: string): string | undefined {
  return tags?.find((tag) => tag.key === key)?.value;
}
