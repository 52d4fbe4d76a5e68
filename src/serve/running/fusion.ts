import type { ModelRef } from '../models/model-source.ts';
import type { InferencePool } from './inference-pool.ts';
import { edgesOf, makeVersion, type ServedVersion } from './served-version.ts';

/** Loads the model that joins the members of an ensemble. @throws MlopsError `model_broken`, `model_not_servable`. */
export async function loadFusion(pool: InferencePool, ref: ModelRef, file: string): Promise<ServedVersion> {
  const { version } = await pool.load(file, (aside) => {
    const none = { mlModel: undefined, processing: undefined, alone: undefined };
    const made = makeVersion(ref, { session: aside.session, ...none, ...edgesOf(ref, aside.info) }, aside.info);
    return Promise.resolve({ version: made, feeds: undefined, fetches: made.outputNames });
  });
  return version;
}
