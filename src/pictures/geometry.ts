import type { PictureOptions, Resize } from './options.ts';
import { roundHalfEven } from './rounding.ts';

/** Where a picture lies in the tensor made of it: x there = x in the picture times `scaleX` plus `left`. */
export interface Placement {
  /** Size of the picture as seen, after EXIF. */
  readonly width: number;
  readonly height: number;
  readonly scaleX: number;
  readonly scaleY: number;
  readonly left: number;
  readonly top: number;
  /** Size of the tensor. */
  readonly outWidth: number;
  readonly outHeight: number;
}

/** What is to be done to a picture of a size: resize, then put at an offset (negative: cut) of a canvas. */
export interface Plan {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
  readonly outWidth: number;
  readonly outHeight: number;
  readonly colour: readonly number[];
  readonly placement: Placement;
}

/** @param filled letterboxes are filled up to their size, whatever their stride. */
export function planOf(
  width: number,
  height: number,
  options: Pick<PictureOptions, 'resize' | 'crop'>,
  filled: boolean,
): Plan {
  const sized = sizeOf(width, height, options.resize);
  const box = options.resize?.mode === 'letterbox' ? options.resize : undefined;
  // A letterbox has one scale for both sides, from before its sides were rounded.
  const scaleX = box === undefined ? sized.width / width : ratioOf(width, height, box);
  const scaleY = box === undefined ? sized.height / height : scaleX;
  let [left, top, outWidth, outHeight] = [0, 0, sized.width, sized.height];
  if (box !== undefined) {
    const [right, bottom] = [rest(box.width - sized.width, box, filled), rest(box.height - sized.height, box, filled)];
    left = roundHalfEven(right / 2 - 0.1);
    top = roundHalfEven(bottom / 2 - 0.1);
    outWidth = sized.width + left + roundHalfEven(right / 2 + 0.1);
    outHeight = sized.height + top + roundHalfEven(bottom / 2 + 0.1);
  }
  if (options.crop !== undefined) {
    const { width: across, height: down, whole = false } = options.crop;
    left += cropOffset(outWidth, across, whole);
    top += cropOffset(outHeight, down, whole);
    [outWidth, outHeight] = [across, down];
  }
  const placement = { width, height, scaleX, scaleY, left, top, outWidth, outHeight };
  return { ...sized, left, top, outWidth, outHeight, colour: box?.colour ?? [0, 0, 0], placement };
}

/** What has to be filled up; with a stride only to its next multiple (Ultralytics' `auto`). */
function rest(space: number, { stride }: Extract<Resize, { mode: 'letterbox' }>, filled: boolean): number {
  return stride === undefined || filled ? space : space % stride;
}

/** torchvision's `center_crop`: what is too small is padded first, more at the far side; then half to even. */
function cropOffset(size: number, wanted: number, whole: boolean): number {
  if (wanted > size) return whole ? Math.ceil((wanted - size) / 2) : Math.floor((wanted - size) / 2);
  const offset = (size - wanted) / 2;
  return 0 - (whole ? Math.floor(offset) : roundHalfEven(offset));
}

function ratioOf(width: number, height: number, box: { width: number; height: number }): number {
  return Math.min(box.height / height, box.width / width);
}

function sizeOf(width: number, height: number, resize: Resize | undefined): { width: number; height: number } {
  if (resize === undefined) return { width, height };
  switch (resize.mode) {
    case 'exact':
      return { width: resize.width, height: resize.height };
    case 'letterbox': {
      const ratio = ratioOf(width, height, resize);
      return { width: Math.max(1, roundHalfEven(width * ratio)), height: Math.max(1, roundHalfEven(height * ratio)) };
    }
    case 'shorter': {
      const [short, long] = width <= height ? [width, height] : [height, width];
      if (resize.most === undefined || (long / short) * resize.size <= resize.most) {
        return sides(width, height, resize.size, Math.trunc((resize.size * long) / short));
      }
      // transformers' `get_size_with_aspect_ratio`.
      const raw = (resize.most * short) / long;
      return sides(width, height, roundHalfEven(raw), Math.trunc((raw * long) / short));
    }
    case 'longer': {
      const [short, long] = width <= height ? [width, height] : [height, width];
      return sides(width, height, Math.max(1, Math.trunc((resize.size * short) / long)), resize.size);
    }
  }
}

function sides(width: number, height: number, short: number, long: number): { width: number; height: number } {
  return width <= height ? { width: short, height: long } : { width: long, height: short };
}
