import type { OnnxModel, RowsVerdict, TensorInfo } from '../../model/index.ts';
import type { Tensors } from '../wire/tensor.ts';

/** What the server's thread asks of an inference thread. `session` is a number of the server's choosing. */
export type ToWorker =
  | {
      readonly kind: 'load';
      readonly id: number;
      readonly session: number;
      readonly file: string;
      /** Answer what the file holds, too. */
      readonly describe: boolean;
    }
  | {
      readonly kind: 'run';
      readonly id: number;
      readonly session: number;
      readonly feeds: Tensors;
      /** Names of the outputs to compute. */
      readonly fetches: readonly string[];
    }
  | { readonly kind: 'release'; readonly id: number; readonly session: number }
  /** Release everything and end, after what was sent before. */
  | { readonly kind: 'close'; readonly id: number };

export interface FromWorker {
  readonly id: number;
  readonly info?: LoadedInfo;
  readonly outputs?: Tensors;
  /** Time inside the runtime, of a run or of making a session. */
  readonly milliseconds?: number;
  readonly error?: { readonly message: string; readonly code: string | undefined };
}

export interface LoadedInfo {
  readonly onnx: OnnxModel;
  readonly rows: RowsVerdict;
  /** Inputs that may be left out, and that count when they are given. */
  readonly optional: readonly TensorInfo[];
  readonly md5: string;
  /** Bytes of the model file and of its external data. */
  readonly size: number;
}
