import type { Request } from '../../http/index.ts';
import type { Drawn, DrawnPicture } from '../../pictures/index.ts';
import type { FoundBox } from '../boxes/boxes.ts';
import type { Exchange } from '../protocols/exchange.ts';
import { pictureRows } from '../protocols/picture-rows.ts';
import type { Prediction } from '../running/predict.ts';
import { invalid } from '../wire/tensor-json.ts';
import type { Wanted } from './answer.ts';
import type { ServingContext } from './context.ts';

/**
 * Predicts for a picture and answers it with the boxes drawn, in its own size.
 *
 * @throws MlopsError `invalid_input` for another number of pictures than one, or a model that answers no boxes.
 */
export async function drawBoxes(
  context: ServingContext,
  request: Request,
  exchange: Exchange,
  { lease, said }: Wanted,
): Promise<DrawnPicture & { readonly predictionId: string }> {
  let file: Uint8Array | undefined;
  const prediction = await context.predictor.predict({
    lease,
    processed: true,
    read: async (served) => {
      const inputs = await exchange.read(served, said, false);
      const files = inputs.pictures?.files ?? [];
      const count = files.length;
      [file] = files;
      if (count !== 1) throw invalid('draw', 'a request of one picture', `${count} pictures`);
      return inputs;
    },
    gone: () => request.raw.socket.destroyed,
  });
  const predictionId = context.record(prediction, request, pictureRows(prediction));
  const rows = Object.entries(prediction.objects ?? {})[0];
  if (file === undefined || rows === undefined) {
    throw invalid('draw', 'a model that answers boxes', `'${lease.version.ref.name}', which answers none`);
  }
  const [name, [boxes = []]] = rows;
  const objects = boxes.map((box) => drawnOf(box, name, prediction));
  return { ...(await context.pictures.draw(lease.version, file, objects)), predictionId };
}

/** An answered object in pixels, whatever the format of its box. */
function drawnOf({ label, score, box, polygon, keypoints }: FoundBox, name: string, prediction: Prediction): Drawn {
  const outputs = prediction.version.processing?.recipe.config.outputs ?? [];
  const format = outputs.find((output) => output.as === name)?.boxes?.format;
  const placement = prediction.pictures?.[0]?.placement;
  const [across, down] = format === 'relative' ? [placement?.width ?? 1, placement?.height ?? 1] : [1, 1];
  const scaled = ([x = 0, y = 0]: readonly number[]): readonly number[] => [x * across, y * down];
  const [a = 0, b = 0, c = 0, d = 0] = box;
  const corners = format === 'xywh' ? [a, b, a + c, b + d] : [a * across, b * down, c * across, d * down];
  return {
    text: `${label} ${score.toFixed(2)}`,
    box: corners,
    ...(polygon === undefined ? {} : { polygon: polygon.map(scaled) }),
    ...(keypoints === undefined ? {} : { points: keypoints.map(scaled) }),
  };
}
