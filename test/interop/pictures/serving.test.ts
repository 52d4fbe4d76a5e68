import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it } from 'vitest';

import { post } from '../../support/serving.ts';
import { describeWithTool } from '../../tools.ts';
import { serveBesidePeer, type Packed } from './peer.ts';

const half = 'scale: 0.00392156862745098, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5]';
const openCv = (width: number, height: number, rest: string) =>
  `{colour: BGR, resize: {mode: exact, width: ${width}, height: ${height}}, antialias: false, ${rest}}`;

/** `image:` of each model; by the name of its steps in `models.py`. */
const images: Readonly<Record<string, string | undefined>> = {
  imagenet: '{preset: imagenet}',
  vgg16: '{preset: vgg16}',
  clip: '{preset: clip}',
  yolo: '{preset: yolo}',
  mnist: '{preset: mnist}',
  free: openCv(96, 64, 'scale: 0.00784313725490196, mean: 1'),
  hugging: undefined,
  detection: openCv(320, 320, half),
  recognition: openCv(320, 48, half),
};
const hugging = {
  ...{ image_processor_type: 'ViTImageProcessor', do_resize: true, size: { height: 224, width: 224 }, resample: 3 },
  ...{ do_rescale: true, rescale_factor: 1 / 255, do_normalize: true },
  ...{ image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] },
};

describeWithTool('pictures', 'models of pictures answer as in Python', ({ pictures: python }) => {
  let photos: string[];

  const { peer, dir, server } = serveBesidePeer(python, async () => {
    await peer.ask('models.make', { folder: dir });
    const rapid = path.join(path.dirname(path.dirname(python)), 'rapidocr/rapidocr_onnxruntime/models');
    for (const [name, file] of [
      ['detection', 'ch_PP-OCRv4_det_infer.onnx'],
      ['recognition', 'ch_PP-OCRv4_rec_infer.onnx'],
    ] as const) {
      fs.mkdirSync(path.join(dir, name));
      fs.copyFileSync(path.join(rapid, file), path.join(dir, name, 'model.onnx'));
    }
    for (const [name, image] of Object.entries(images)) {
      if (image !== undefined) fs.writeFileSync(path.join(dir, name, 'serving.yaml'), `version: 1\nimage: ${image}\n`);
    }
    fs.writeFileSync(path.join(dir, 'hugging/preprocessor_config.json'), JSON.stringify(hugging));
    ({ photos } = await peer.ask<{ photos: string[] }>('models.photos'));
  });

  const python1 = async (name: string, files: readonly string[]) => {
    const about = { model: path.join(dir, name, 'model.onnx'), steps: name, files };
    const { shape, data } = await peer.ask<Packed>('models.run', about);
    const bytes = Buffer.from(data, 'base64');
    return { shape, values: new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)) };
  };
  const distance = (a: Float32Array, b: readonly number[]) => {
    expect(b.length).toBe(a.length);
    return b.reduce((most, value, i) => Math.max(most, Math.abs(value - (a[i] ?? Number.NaN))), 0);
  };
  const answered = async (name: string, files: readonly string[]) => {
    const answer = await post(server(), `/predict?model=${name}`, { image: files });
    expect(answer.status, answer.text.slice(0, 500)).toBe(200);
    const { outputs } = answer.json() as { outputs: Record<string, number[]> };
    return (Object.values(outputs)[0] as unknown[]).flat(Infinity) as number[];
  };

  it.for(Object.keys(images))('%s: several pictures are rows', { timeout: 60_000 }, async (name) => {
    const theirs = await python1(name, photos);
    expect(distance(theirs.values, await answered(name, photos))).toBeLessThan(1e-4);
  });

  it('takes a body, a form, base64, a data URL and a BYTES tensor alike', async () => {
    const photo = Buffer.from(photos[0] ?? '', 'base64');
    const { values } = await python1('imagenet', photos.slice(0, 1));
    const near = (outputs: unknown) => {
      const { logits } = outputs as { logits: unknown[] };
      expect(distance(values, logits.flat(Infinity) as number[])).toBeLessThan(1e-4);
    };
    const form = new FormData();
    form.append('image', new Blob([photo]), 'holiday.txt');
    form.append('model', 'imagenet');
    const bodies = [
      [photo, 'image/jpeg'],
      [photo, 'image/png'],
      [photo, 'application/octet-stream'],
      [photo, 'text/plain'],
      [form, undefined],
      [JSON.stringify({ image: photos[0] }), 'application/json'],
      [JSON.stringify({ image: `data:image/jpeg;base64,${photos[0]}` }), 'application/json'],
      [JSON.stringify({ inputs: { image: [photos[0]] } }), 'application/json'],
      [JSON.stringify({ inputs: [photos[0]] }), 'application/json'],
      [JSON.stringify({ instances: [{ image: photos[0] }] }), 'application/json'],
    ] as const;
    for (const [body, type] of bodies) {
      const query = body === form ? '' : '?model=imagenet';
      const headers = type === undefined ? {} : { 'content-type': type };
      const answer = await fetch(`${server().listening.url}/predict${query}`, { method: 'POST', body, headers });
      const json = (await answer.json()) as { outputs: unknown };
      expect(answer.status, JSON.stringify(json)).toBe(200);
      near(json.outputs);
    }
    const scored = await post(server(), '/invocations?model=imagenet', { inputs: { image: photos[0] } });
    near((scored.json() as { predictions: unknown }).predictions);
    const framed = await post(server(), '/invocations?model=imagenet', { dataframe_records: [{ image: photos[0] }] });
    const [record] = (framed.json() as { predictions: { logits: number[] }[] }).predictions;
    expect(record?.logits).toBeDefined();

    const url = '/v2/models/imagenet';
    const metadata = (await (await fetch(server().listening.url + url)).json()) as { inputs: unknown[] };
    expect(metadata.inputs).toContainEqual({ name: 'image', datatype: 'BYTES', shape: [-1] });
    const tensor = { name: 'image', datatype: 'BYTES', shape: [1] };
    const inJson = await post(server(), `${url}/infer`, { inputs: [{ ...tensor, data: [photos[0]] }] });
    const v2 = (answer: unknown) => ({ logits: [(answer as { outputs: { data: number[] }[] }).outputs[0]?.data] });
    near(v2(inJson.json()));
    const size = Buffer.alloc(4);
    size.writeUInt32LE(photo.length);
    const head = JSON.stringify({ inputs: [{ ...tensor, parameters: { binary_data_size: photo.length + 4 } }] });
    const whole = Buffer.concat([Buffer.from(head), size, photo]);
    const binary = await post(server(), `${url}/infer`, whole, { 'inference-header-content-length': `${head.length}` });
    near(v2(binary.json()));
    const raw = {
      inputs: [{ name: 'picture', datatype: 'FP32', shape: [1, 3, 224, 224], data: Array(150_528).fill(0) }],
    };
    expect((await post(server(), `${url}/infer`, raw)).status).toBe(200);
  });
});
