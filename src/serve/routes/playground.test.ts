import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';

import { temporaryFolder } from '../../../test/cli.ts';
import { linearModel, identityModel } from '../../../test/support/onnx.ts';
import { startForTest } from '../../../test/support/serving.ts';
import { FolderSource } from '../models/folder-source.ts';

describe('/playground', () => {
  it('is a page whose parts come from this server only, under a policy that allows nothing else', async () => {
    const dir = temporaryFolder();
    fs.writeFileSync(path.join(dir, 'm.onnx'), linearModel(2, 1));
    const { listening } = await startForTest(FolderSource.directory(dir));
    const answer = await fetch(`${listening.url}/playground`);
    const page = await answer.text();
    const policy = answer.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    expect(page).not.toMatch(/ style=| on\w+=|<style|<script(?! type="module" src=)/);
    const parts = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, to = '']) => to);
    expect(parts).toContain('playground/page.js');
    for (const part of parts) {
      const url = new URL(part, `${listening.url}/playground`);
      expect(url.origin, part).toBe(listening.url);
      expect((await fetch(url)).status, part).toBe(200);
    }
  });

  it('learns from /models/info what a request gives: tensors, columns, pictures', async () => {
    const dir = temporaryFolder();
    const put = (name: string, bytes: Uint8Array, serving?: string): void => {
      fs.mkdirSync(path.join(dir, name));
      fs.writeFileSync(path.join(dir, name, 'model.onnx'), bytes);
      if (serving !== undefined) fs.writeFileSync(path.join(dir, name, 'serving.yaml'), `version: 1\n${serving}`);
    };
    put('plain', linearModel(2, 1));
    put('table', linearModel(2, 1), 'table: {columns: [{name: age, max: 120}, {name: sex, categories: [f, m]}]}\n');
    put(
      'pictures',
      identityModel('float32', ['N', 3, 2, 2]),
      'image: {field: photo, resize: {mode: exact, width: 2, height: 2}}\n',
    );
    const { listening } = await startForTest(FolderSource.directory(dir));
    const { models } = (await (await fetch(`${listening.url}/models/info`)).json()) as {
      models: { name: string; versions: { request: object }[] }[];
    };
    const requests = Object.fromEntries(models.map(({ name, versions }) => [name, versions[0]?.request]));
    expect(requests).toMatchObject({
      plain: { kind: 'tensors' },
      table: { kind: 'table', row: { properties: { age: { maximum: 120 }, sex: { enum: ['f', 'm'] } } } },
      pictures: { kind: 'image', pictures: ['photo'] },
    });
  });
});
