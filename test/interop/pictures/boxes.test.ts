import * as fs from 'node:fs';
import * as path from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';

import { describeWithTool } from '../../tools.ts';
import { serveBesidePeer } from './peer.ts';

interface Box {
  readonly label: string;
  readonly score: number;
  readonly box: readonly number[];
  readonly keypoints?: readonly (readonly number[])[];
}

const heads: Readonly<Record<string, string>> = {
  yolov5: 'output0',
  yolov8: 'output0',
  yolov11: 'output0',
  yolov10: 'output0',
  'yolov8-pose': 'output0',
  detr: 'logits',
  ssd: 'detection_boxes',
};
const [score, iou] = [0.3, 0.5];

describeWithTool('pictures', 'heads of detectors mean what they mean in Python', ({ pictures: python }) => {
  const { peer, dir, server } = serveBesidePeer(python, async () => {
    await peer.ask('models.heads', { folder: dir });
    for (const [head, name] of Object.entries(heads)) {
      const labels = head === 'yolov8-pose' ? '[class0]' : 'labels.txt';
      const image = '{preset: yolo, resize: {mode: letterbox, width: 320, height: 320, stride: 32}}';
      const output = `{name: ${name}, as: boxes, decode: boxes, head: ${head}, score: ${score}, iou: ${iou}, labels: ${labels}}`;
      fs.writeFileSync(path.join(dir, head, 'serving.yaml'), `version: 1\nimage: ${image}\noutputs:\n  - ${output}\n`);
      fs.writeFileSync(path.join(dir, head, 'labels.txt'), 'class0\nclass1\nclass2\n');
    }
  });

  const picture = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: '#777' } })
      .png()
      .toBuffer();
  const found = async (head: string, file: Buffer): Promise<Box[]> => {
    const form = new FormData();
    form.append('image', new Blob([file]), 'a.png');
    const answer = await fetch(`${server().listening.url}/predict?model=${head}`, { method: 'POST', body: form });
    const json = (await answer.json()) as { outputs: { boxes: Box[][] } };
    expect(answer.status, JSON.stringify(json).slice(0, 400)).toBe(200);
    return json.outputs.boxes[0] ?? [];
  };

  it.for(Object.keys(heads))('%s', { timeout: 60_000 }, async (head) => {
    for (const [width, height] of [
      [320, 320],
      [501, 333],
      [97, 240],
    ] as const) {
      const own = await found(head, await picture(width, height));
      const { boxes: theirs } = await peer.ask<{ boxes: Box[] }>('models.boxes', { head, width, height, score, iou });
      expect(theirs.length).toBeGreaterThan(3);
      expect(own.map(({ label }) => label)).toEqual(theirs.map(({ label }) => label));
      for (const [i, box] of own.entries()) {
        const numbers = [box.score, ...box.box, ...(box.keypoints?.flat() ?? [])];
        const wanted = theirs[i];
        const others = [wanted?.score ?? 0, ...(wanted?.box ?? []), ...(wanted?.keypoints?.flat() ?? [])];
        expect(numbers.length).toBe(others.length);
        for (const [at, number] of numbers.entries()) expect(Math.abs(number - (others[at] ?? 0))).toBeLessThan(1e-3);
      }
    }
  });

  it('draws the boxes into the picture, in its size and format', async () => {
    const png = await picture(501, 333);
    for (const [file, format] of [
      [png, 'png'],
      [await sharp(png).jpeg().toBuffer(), 'jpeg'],
    ] as const) {
      const url = `${server().listening.url}/predict?model=yolov8-pose&draw=true`;
      const answer = await fetch(url, { method: 'POST', body: file, headers: { 'content-type': 'image/png' } });
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, `image/${format}`]);
      const bytes = Buffer.from(await answer.arrayBuffer());
      expect(await sharp(bytes).metadata()).toMatchObject({ format, width: 501, height: 333 });
      const { channels } = await sharp(bytes).stats();
      expect(Math.max(...channels.map(({ stdev }) => stdev))).toBeGreaterThan(5);
    }
  });
});
