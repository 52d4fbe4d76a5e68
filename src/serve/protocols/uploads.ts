import { MlopsError } from '../../base/index.ts';
import type { PictureFiles } from '../processing/steps.ts';
import type { VersionFacts } from '../running/served-version.ts';
import type { JsonObject } from '../wire/json-reader.ts';

export const noFiles: PictureFiles = new Map();

/**
 * The inputs in a body of files for a model that takes none: what the body says as JSON, if it is some.
 *
 * @throws MlopsError `bad_json`, `bad_request`, `unsupported_media`.
 */
export function unwanted({ ref }: VersionFacts, files: PictureFiles, asJson: () => JsonObject): JsonObject {
  if (files.has('')) return asJson();
  throw new MlopsError('unsupported_media', `'${ref.name}' takes no files, and the form has some`, {
    hint: 'serving.yaml beside the model says that it takes pictures: `image:` (docs/pictures.md)',
  });
}
