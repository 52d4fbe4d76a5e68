/**
 * Pictures: files to pixels, pixels to what models take, as Pillow and OpenCV do it.
 *
 * Words: a *picture* is decoded pixels of 8 bits; *options* say how it becomes a tensor; a *placement* says where
 * it lies in that tensor, so that places in the tensor can be told in pixels of the picture.
 * Never: fetches a URL, believes a file name or content type, or reads a format that is not in the list of `formats.ts`.
 */
export { decodePicture } from './codec.ts';
export { describePicture, type PictureFacts } from './describe.ts';
export type { Drawn } from './draw.ts';
export { knownFormat, looksLikeFile } from './formats.ts';
export type { Placement } from './geometry.ts';
export { badPicture } from './limits.ts';
export { plainOptions, presets, type PictureOptions, type PresetName, type Resize } from './options.ts';
export type { DrawnPicture, PreparedPicture } from './messages.ts';
export { PicturePool, type PicturePoolOptions } from './pool.ts';
export { preparePicture } from './prepare.ts';
export { optionsOfPreprocessor } from './preprocessor.ts';
