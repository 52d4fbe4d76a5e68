import type { PictureOptions } from './options.ts';
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

export interface ToPictures {
  readonly id: number;
  readonly job: PictureJob;
}

export interface FromPictures {
  readonly id: number;
  readonly prepared?: PreparedPicture;
  readonly refused?: {
    readonly code: 'bad_picture' | 'program_missing' | undefined;
    readonly message: string;
    readonly hint: string | undefined;
  };
}
