import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

import { post } from '../../support/serving.ts';
import { describeWithTool } from '../../tools.ts';
import { serveBesidePeer } from './peer.ts';

interface Answer {
  readonly outputs: { readonly probabilities: readonly (readonly number[])[] };
  readonly labels: readonly string[];
  readonly members: Readonly<Record<string, string>>;
  readonly model_version: string;
  readonly error?: { readonly message: string };
}

const categories = Array.from({ length: 27 }, (_, i) => `category ${i}`);
const text = '{name: text, model: models:/title/1, inputs: {text: title}, output: probabilities, weight: 0.6}';
const image = '{name: image, model: models:/photo/1, inputs: {image: picture}, output: scores, weight: 0.4}';
const embed = '{name: embed, model: models:/title/1, inputs: {text: title}, output: mean}';
const follow = '{name: follow, model: models:/follow/1, inputs: {embedding: embed.mean}, output: probabilities}';
const ensembles: Readonly<Record<string, string>> = {
  weights: `{members: [${text}, ${image}], join: weights, labels: categories.txt}`,
  mean: `{members: [${text}, ${image}], join: mean}`,
  vote: `{members: [${text.replace(', weight: 0.6', '')}, ${image.replace(', weight: 0.4', '')}], join: vote}`,
  stacking: `{members: [${text}, ${image}], join: stacking, fusion: fusion.onnx}`,
  chain: `{members: [${embed}, ${follow}], join: chain}`,
};

describeWithTool('pictures', 'ensembles answer as numpy', ({ pictures: python }) => {
  const titles = ['red shoe', 'big old table lamp', 'phone', 'new blue book'];
  let photos: string[];
  let wanted: Record<string, number[][]>;
  const write = (file: string, content: string) => {
    fs.mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
    fs.writeFileSync(path.join(dir, file), content);
  };

  const { peer, dir, server } = serveBesidePeer(python, async () => {
    const { words } = await peer.ask<{ words: string[] }>('models.product', { folder: dir });
    const vocab = Object.fromEntries(['[UNK]', ...words].map((word, i) => [word, i]));
    const tokenizer = {
      ...{ version: '1.0', added_tokens: [], normalizer: null, post_processor: null, decoder: null },
      pre_tokenizer: { type: 'Whitespace' },
      model: { type: 'WordLevel', vocab, unk_token: '[UNK]' },
    };
    write('title/tokenizer.json', JSON.stringify(tokenizer));
    write('title/serving.yaml', 'version: 1\ntext: {field: text}\n');
    write(
      'photo/serving.yaml',
      'version: 1\nimage: {preset: imagenet}\noutputs: [{name: logits, as: scores, activation: softmax}]\n',
    );
    for (const [name, ensemble] of Object.entries(ensembles)) {
      write(`${name}/serving.yaml`, `version: 1\nensemble: ${ensemble}\n`);
    }
    write('weights/categories.txt', `${categories.join('\n')}\n`);
    ({ photos } = await peer.ask<{ photos: string[] }>('models.photos'));
    wanted = await peer.ask<Record<string, number[][]>>('models.expect', { folder: dir, titles, files: photos });
  });

  const near = (answer: Answer, name: string, rows = titles.length) => {
    expect(answer.error).toBeUndefined();
    const own = answer.outputs.probabilities;
    expect(own.length).toBe(rows);
    for (const [i, row] of own.entries()) {
      for (const [j, value] of row.entries())
        expect(Math.abs(value - (wanted[name]?.[i]?.[j] ?? 9))).toBeLessThan(1e-4);
    }
  };

  it.for(Object.keys(ensembles))('%s: titles and pictures are rows', { timeout: 60_000 }, async (name) => {
    const values = name === 'chain' ? { title: titles } : { title: titles, picture: photos };
    const posted = await post(server(), `/predict?model=${name}`, values);
    expect(posted.status, posted.text.slice(0, 400)).toBe(200);
    const answer = posted.json() as Answer;
    near(answer, name);
    expect(Object.values(answer.members)).toEqual(['1', '1']);
  });

  it('takes a product by curl, and by rows', async () => {
    fs.writeFileSync(path.join(dir, 'photo.bin'), Buffer.from(photos[0] ?? '', 'base64'));
    const form = ['-F', `title=${titles[0]}`, '-F', `picture=@${path.join(dir, 'photo.bin')}`];
    const url = `${server().listening.url}/predict?model=weights`;
    const { stdout } = await promisify(execFile)('curl', ['-s', '--noproxy', '*', ...form, url]);
    const answer = JSON.parse(stdout) as Answer;
    near(answer, 'weights', 1);
    const best = wanted['weights']?.[0]?.reduce((at, value, i, all) => (value > (all[at] ?? 0) ? i : at), 0) ?? 0;
    expect(answer.labels).toEqual([categories[best]]);
    expect(answer).toMatchObject({ model_version: '1', members: { text: '1', image: '1' } });
    const rows = titles.map((title, i) => ({ title, picture: photos[i] }));
    near((await post(server(), '/predict?model=weights', { instances: rows })).json(), 'weights');
  });

  it('refuses by name what is missing, strange or of another number', async () => {
    const message = async (values: unknown) => {
      const answer = await post(server(), '/predict?model=weights', values);
      expect(answer.status).toBe(400);
      return (answer.json() as Answer).error?.message;
    };
    expect(await message({ title: titles[0] })).toMatch(/^picture: expected the key 'picture'/);
    expect(await message({ title: titles.slice(0, 2), picture: photos[0] })).toMatch(/^picture: expected 2 rows/);
    expect(await message({ title: 'a', picture: photos[0], price: 3 })).toMatch(/^price: expected only title, picture/);
    expect(await message({ title: 7, picture: photos[0] })).toMatch(/text/);
    expect(await message({ title: 'a', picture: 'AAAA' })).toMatch(/picture cannot be used/);
    const v2 = await post(server(), '/v2/models/weights/infer', { inputs: [] });
    expect(v2.status).toBe(400);
  });

  it('has a form with a file chooser on the page of the server', async () => {
    const { paths } = (await (await fetch(`${server().listening.url}/openapi.json`)).json()) as {
      paths: Record<string, { post: { requestBody: { content: Record<string, { schema: { anyOf: unknown[] } }> } } }>;
    };
    const form = paths['/predict']?.post.requestBody.content['multipart/form-data'];
    expect(form?.schema.anyOf).toContainEqual({
      title: 'weights',
      type: 'object',
      properties: {
        title: { type: 'string' },
        picture: { type: 'array', items: { type: 'string', format: 'binary' } },
      },
      required: ['title', 'picture'],
    });
  });
});
