import type { PictureOptions } from './options.ts';
import type { Drawn } from './draw.ts';
import type { PictureFacts } from './describe.ts';
import type { PictureLimits } from './limits.ts';
import type { Prepared } from './prepare.ts';

/** What a picture thread is asked, and answers. */
export interface PictureJob {
  readonly bytes: Uint8Array;
  readonly options: PictureOptions;
  /** Letterboxes are filled up to their size. */
  readonly full: boolean;
  /** Say what the picture is like, too. */
  readonly describe: boolean;
  readonly limits: PictureLimits;
}

export interface PreparedPicture extends Prepared {
  readonly facts: PictureFacts | undefined;
}

/** A picture with objects drawn, as a file: JPEG where it came as one, else PNG. */
export interface DrawJob {
  readonly bytes: Uint8Array;
  readonly exif: boolean;
  readonly objects: readonly Drawn[];
  readonly limits: PictureLimits;
}

export interface DrawnPicture {
  readonly file: Uint8Array;
  readonly type: 'image/jpeg' | 'image/png';
}

export interface ToPictures {
  readonly id: number;
  readonly job: PictureJob | DrawJob;
}

export interface FromPictures {
  readonly id: number;
  readonly done?: PreparedPicture | DrawnPicture;
  readonly refused?: {
    readonly code: 'bad_picture' | 'program_missing' | undefined;
    readonly message: string;
    readonly hint: string | undefined;
  };
}
