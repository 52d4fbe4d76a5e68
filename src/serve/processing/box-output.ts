import { MlopsError } from '../../base/index.ts';
import type { TensorInfo } from '../../model/index.ts';
import type { Placement } from '../../pictures/index.ts';
import type { BoxDecoder, BoxSources } from '../boxes/boxes.ts';
import type { Tensors } from '../wire/tensor.ts';
import type { OutputConfig } from './serving-config.ts';
import type { ModelEdges } from './steps.ts';

/** @throws MlopsError `bad_config` where the model lacks an output that the head needs. */
export function boxDecoder(output: OutputConfig, file: string, edges: ModelEdges): BoxDecoder | undefined {
  if (output.boxes === undefined) return undefined;
  const labels = output.labels ?? edges.classNames;
  return { ...output.boxes, labels, sources: sourcesOf(output, file, edges.outputs) };
}

function sourcesOf({ name, boxes }: OutputConfig, file: string, outputs: readonly TensorInfo[]): BoxSources {
  const like = (pattern: RegExp) => outputs.find((output) => pattern.test(output.name))?.name;
  const need = (found: string | undefined, what: string): string => {
    if (found !== undefined) return found;
    const names = outputs.map((output) => output.name).join(', ');
    throw new MlopsError('bad_config', `'${file}' head ${boxes?.head}: the model has no output for ${what} (${names})`);
  };
  switch (boxes?.head) {
    case 'detr': {
      const places = need(like(/^pred_boxes$/i) ?? like(/box/i), '`pred_boxes`');
      return { main: need(like(/^(?:pred_)?logits$/i) ?? like(/logits|scores/i), '`logits`'), boxes: places };
    }
    case 'ssd':
      return {
        main: need(like(/detection_scores/i) ?? like(/scores/i), '`detection_scores`'),
        boxes: need(like(/detection_boxes/i) ?? like(/boxes/i), '`detection_boxes`'),
        classes: need(like(/detection_classes/i) ?? like(/classes/i), '`detection_classes`'),
        count: like(/num_detections/i) ?? like(/^num/i),
      };
    case 'yolov8-seg': {
      const prototypes = outputs.find((one) => one.name !== name && one.dims?.length === 4)?.name;
      return { main: name, prototypes: need(prototypes, "the masks' prototypes, [N, 32, height, width]") };
    }
    default:
      return { main: name };
  }
}

/** Width and height of the model's input: of pictures that were decoded, else of the tensor that was sent. */
export function inputSize(
  feeds: Tensors,
  placements: readonly Placement[] | undefined,
): { width: number; height: number } {
  const [first] = placements ?? [];
  if (first !== undefined) return { width: first.outWidth, height: first.outHeight };
  const tensor = Object.values(feeds).find(({ dims }) => dims.length === 4);
  const [, a = 0, b = 0, c = 0] = tensor?.dims ?? [];
  // Channels are few, wherever they stand.
  return a <= 4 ? { width: c, height: b } : { width: b, height: a };
}
