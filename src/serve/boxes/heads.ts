import type { Tensor } from '../wire/tensor.ts';
import { bestFirst, suppress, type Candidate, type Corners } from './nms.ts';

export const headNames = [
  ...(['yolov5', 'yolov8', 'yolov11', 'yolov10', 'yolov8-pose', 'yolov8-seg'] as const),
  ...(['detr', 'ssd'] as const),
];
export type HeadName = (typeof headNames)[number];

export interface HeadOptions {
  readonly head: HeadName;
  /** Scores must be above. */
  readonly score: number;
  /** Intersection over union above which the worse of two boxes of a class goes. */
  readonly iou: number;
  /** Number of classes, where labels tell. */
  readonly classes: number | undefined;
}

/** Boxes of a picture at most. */
const most = 300;

/** The numbers of one picture: a matrix of floats. */
interface Matrix {
  readonly data: ArrayLike<number>;
  readonly rows: number;
  readonly columns: number;
  /** Where the value of a row and a column is. */
  at(row: number, column: number): number;
}

/** The outputs of the model that a head reads, by what they hold. */
export interface HeadOutputs {
  readonly main: Tensor;
  /** `pred_boxes` of DETR; the boxes of SSD. */
  readonly boxes?: Tensor | undefined;
  readonly classes?: Tensor | undefined;
  readonly count?: Tensor | undefined;
}

/** Width and height of the model's input, for heads that answer shares of it. */
export interface InputSize {
  readonly width: number;
  readonly height: number;
}

/** What a head found in picture `picture` of a batch, best first. */
export function readHead(outputs: HeadOutputs, picture: number, options: HeadOptions, size: InputSize): Candidate[] {
  switch (options.head) {
    case 'yolov5':
      return suppress(yolo5(matrixOf(outputs.main, picture), options), options.iou, most);
    case 'yolov8':
    case 'yolov11':
    case 'yolov8-pose':
    case 'yolov8-seg': {
      const matrix = turned(matrixOf(outputs.main, picture));
      return suppress(yolo8(matrix, classesOf(matrix.columns, options), options.score), options.iou, most);
    }
    case 'yolov10':
      return bestFirst(endToEnd(matrixOf(outputs.main, picture), options.score)).slice(0, most);
    case 'detr':
      return bestFirst(detr(outputs, picture, options.score, size)).slice(0, most);
    case 'ssd':
      return bestFirst(ssd(outputs, picture, options.score, size)).slice(0, most);
  }
}

/** How many classes a transposed YOLO row has: what follows them are key points or the coefficients of a mask. */
export function classesOf(columns: number, { head, classes }: Pick<HeadOptions, 'head' | 'classes'>): number {
  if (head === 'yolov8-pose') return classes ?? 1;
  return columns - 4 - (head === 'yolov8-seg' ? 32 : 0);
}

/** Of the last two dimensions, of one picture of a batch. */
export function matrixOf(tensor: Tensor, picture: number): Matrix {
  const [rows = 0, columns = 0] = tensor.dims.slice(-2);
  const width = rows * columns;
  const data = (tensor.data as Float32Array).subarray(picture * width, (picture + 1) * width);
  return { data, rows, columns, at: (row, column) => data[row * columns + column] ?? 0 };
}

/** Rows as columns, without copying. */
export function turned({ data, rows, columns }: Matrix): Matrix {
  return { data, rows: columns, columns: rows, at: (row, column) => data[column * columns + row] ?? 0 };
}

function centred(matrix: Matrix, row: number, scaleX = 1, scaleY = 1): Corners {
  const [x, y] = [matrix.at(row, 0), matrix.at(row, 1)];
  const [halfWidth, halfHeight] = [matrix.at(row, 2) / 2, matrix.at(row, 3) / 2];
  return [(x - halfWidth) * scaleX, (y - halfHeight) * scaleY, (x + halfWidth) * scaleX, (y + halfHeight) * scaleY];
}

/** The best of the columns `from` to `to`, times a factor. */
function best(matrix: Matrix, row: number, from: number, to: number): { label: number; score: number } {
  let [label, score] = [0, -Infinity];
  for (let column = from; column < to; column++) {
    const value = matrix.at(row, column);
    if (value > score) [label, score] = [column - from, value];
  }
  return { label, score };
}

/** Rows of centre, size, objectness and classes. */
function yolo5(matrix: Matrix, { score: least }: HeadOptions): Candidate[] {
  const found: Candidate[] = [];
  for (let row = 0; row < matrix.rows; row++) {
    const objectness = matrix.at(row, 4);
    if (!(objectness > least)) continue;
    const { label, score } = best(matrix, row, 5, matrix.columns);
    const joint = matrix.columns === 5 ? objectness : Math.fround(score * objectness);
    if (joint > least) found.push({ box: centred(matrix, row), score: joint, label, row });
  }
  return found;
}

/** Rows of centre, size and classes. */
function yolo8(matrix: Matrix, classes: number, least: number): Candidate[] {
  const found: Candidate[] = [];
  for (let row = 0; row < matrix.rows; row++) {
    const { label, score } = best(matrix, row, 4, 4 + classes);
    if (score > least) found.push({ box: centred(matrix, row), score, label, row });
  }
  return found;
}

/** Rows of corners, score and class; what overlaps is gone already. */
function endToEnd(matrix: Matrix, least: number): Candidate[] {
  const found: Candidate[] = [];
  for (let row = 0; row < matrix.rows; row++) {
    const score = matrix.at(row, 4);
    const box = [matrix.at(row, 0), matrix.at(row, 1), matrix.at(row, 2), matrix.at(row, 3)] as const;
    if (score > least) found.push({ box, score, label: matrix.at(row, 5), row });
  }
  return found;
}

/** Softmax over the classes, of which the last one is none; boxes as centre and size in shares of the input. */
function detr({ main, boxes }: HeadOutputs, picture: number, least: number, size: InputSize): Candidate[] {
  if (boxes === undefined) return [];
  const logits = matrixOf(main, picture);
  const places = matrixOf(boxes, picture);
  const found: Candidate[] = [];
  for (let row = 0; row < logits.rows; row++) {
    const { label, score } = best(logits, row, 0, logits.columns - 1);
    const highest = Math.max(score, logits.at(row, logits.columns - 1));
    let sum = 0;
    for (let column = 0; column < logits.columns; column++) sum += Math.exp(logits.at(row, column) - highest);
    const share = Math.exp(score - highest) / sum;
    if (share > least) found.push({ box: centred(places, row, size.width, size.height), score: share, label, row });
  }
  return found;
}

/** TensorFlow's: boxes as top, left, bottom, right in shares of the input; classes count from 1. */
function ssd(outputs: HeadOutputs, picture: number, least: number, size: InputSize): Candidate[] {
  const { main: scores, boxes, classes, count } = outputs;
  if (boxes === undefined || classes === undefined) return [];
  const rows = scores.dims.at(-1) ?? 0;
  const counted = Number(count?.data[picture] ?? rows);
  const places = matrixOf(boxes, picture);
  const found: Candidate[] = [];
  for (let row = 0; row < Math.min(rows, counted); row++) {
    const score = Number(scores.data[picture * rows + row]);
    if (!(score > least)) continue;
    const box: Corners = [
      places.at(row, 1) * size.width,
      places.at(row, 0) * size.height,
      places.at(row, 3) * size.width,
      places.at(row, 2) * size.height,
    ];
    found.push({ box, score, label: Number(classes.data[picture * rows + row]) - 1, row });
  }
  return found;
}
