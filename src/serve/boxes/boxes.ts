import type { Placement } from '../../pictures/index.ts';
import type { Tensor, Tensors } from '../wire/tensor.ts';
import { classesOf, matrixOf, readHead, turned, type HeadName, type HeadOutputs, type InputSize } from './heads.ts';
import { maskOutline, type Point } from './masks.ts';
import type { Candidate, Corners } from './nms.ts';

/** `decode: boxes` of an output in serving.yaml. */
export interface BoxConfig {
  readonly head: HeadName;
  readonly score: number;
  readonly iou: number;
  readonly format: 'xyxy' | 'xywh' | 'relative';
}

/** An object in a picture, as it is answered; in pixels of the picture as seen. */
export interface FoundBox {
  readonly label: string;
  readonly score: number;
  readonly box: readonly number[];
  readonly polygon?: readonly Point[];
  /** x, y and, where the model says it, how sure it is. */
  readonly keypoints?: readonly (readonly number[])[];
}

/** Names of the outputs that a head reads, by their part. */
export interface BoxSources {
  readonly main: string;
  readonly boxes?: string | undefined;
  readonly classes?: string | undefined;
  readonly count?: string | undefined;
  readonly prototypes?: string | undefined;
}

export interface BoxDecoder extends BoxConfig {
  readonly sources: BoxSources;
  readonly labels: readonly string[] | undefined;
}

/**
 * The objects in each picture of a run, best first.
 *
 * @param size of the model's input.
 * @param placements where the pictures lie in it; without them places are told in pixels of the input.
 */
export function findBoxes(
  outputs: Tensors,
  decoder: BoxDecoder,
  size: InputSize,
  placements: readonly Placement[] | undefined,
): FoundBox[][] {
  const { sources, labels } = decoder;
  const of = (name: string | undefined): Tensor | undefined => (name === undefined ? undefined : outputs[name]);
  const main = of(sources.main);
  if (main === undefined) return [];
  const parts: HeadOutputs = {
    main,
    boxes: of(sources.boxes),
    classes: of(sources.classes),
    count: of(sources.count),
  };
  const pictures = main.dims.length <= (decoder.head === 'ssd' ? 1 : 2) ? 1 : (main.dims[0] ?? 0);
  return Array.from({ length: pictures }, (_, picture) => {
    const placement = placements?.[picture] ?? whole(size);
    const found = readHead(parts, picture, { ...decoder, classes: labels?.length }, size);
    return found.flatMap((candidate) => {
      const corners = mapped(candidate.box, placement);
      // What lies in the margin of a letterbox is nothing of the picture.
      if (corners[2] <= corners[0] || corners[3] <= corners[1]) return [];
      return [
        {
          label: labels?.[candidate.label] ?? String(candidate.label),
          score: candidate.score,
          box: formatted(corners, decoder.format, placement),
          ...extras(candidate, picture, { decoder, main, prototypes: of(sources.prototypes), size, placement }),
        },
      ];
    });
  });
}

function whole({ width, height }: InputSize): Placement {
  return { width, height, scaleX: 1, scaleY: 1, left: 0, top: 0, outWidth: width, outHeight: height };
}

function point(x: number, y: number, { scaleX, scaleY, left, top, width, height }: Placement): Point {
  const clip = (value: number, limit: number): number => Math.max(0, Math.min(limit, value));
  return [clip((x - left) / scaleX, width), clip((y - top) / scaleY, height)];
}

function mapped([x1, y1, x2, y2]: Corners, placement: Placement): Corners {
  return [...point(x1, y1, placement), ...point(x2, y2, placement)];
}

function formatted(corners: Corners, format: BoxConfig['format'], { width, height }: Placement): readonly number[] {
  const [x1, y1, x2, y2] = corners;
  if (format === 'xywh') return [x1, y1, x2 - x1, y2 - y1];
  return format === 'xyxy' ? corners : [x1 / width, y1 / height, x2 / width, y2 / height];
}

interface Rest {
  readonly decoder: BoxDecoder;
  readonly main: Tensor;
  readonly prototypes: Tensor | undefined;
  readonly size: InputSize;
  readonly placement: Placement;
}

/** Key points and masks: the columns behind the classes. */
function extras({ row, box }: Candidate, picture: number, rest: Rest): Pick<FoundBox, 'polygon' | 'keypoints'> {
  const { decoder, main, prototypes, size, placement } = rest;
  const { head, labels, format } = decoder;
  if (head !== 'yolov8-pose' && head !== 'yolov8-seg') return {};
  const matrix = turned(matrixOf(main, picture));
  const from = 4 + classesOf(matrix.columns, { head, classes: labels?.length });
  const values = Array.from({ length: matrix.columns - from }, (_, i) => matrix.at(row, from + i));
  const share = ([x, y]: Point): Point =>
    format === 'relative' ? [x / placement.width, y / placement.height] : [x, y];
  if (head === 'yolov8-seg') {
    if (prototypes === undefined) return {};
    const points = maskOutline(values, prototypes, picture, { box, ...size });
    return { polygon: points.map(([x, y]) => share(point(x, y, placement))) };
  }
  const step = values.length % 3 === 0 ? 3 : 2;
  const keypoints: number[][] = [];
  for (let at = 0; at + step <= values.length; at += step) {
    const place = share(point(values[at] ?? 0, values[at + 1] ?? 0, placement));
    keypoints.push(step === 3 ? [...place, values[at + 2] ?? 0] : [...place]);
  }
  return { keypoints };
}

export { headNames } from './heads.ts';
