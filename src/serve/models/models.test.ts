import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { describe, onTestFinished } from 'vitest';

import { linearModel } from '../../../test/support/onnx.ts';
import { FolderSource, MemorySource } from '../index.ts';
import { modelSourceContract } from './contract.ts';

describe('models in memory', () => {
  modelSourceContract(() => {
    const source = new MemorySource().add('line', '1', linearModel(2, 1));
    return { source, name: 'line', replace: () => void source.add('line', '2', linearModel(3, 1)) };
  });
});

describe('a folder of models', () => {
  modelSourceContract(() => {
    const file = modelFile();
    return {
      source: FolderSource.directory(path.dirname(file)),
      name: 'line',
      replace: () => fs.writeFileSync(file, linearModel(3, 7)),
    };
  });
});

describe('one model file', () => {
  modelSourceContract(() => {
    const file = modelFile();
    return {
      source: FolderSource.single(file),
      name: 'line',
      replace: () => fs.writeFileSync(file, linearModel(3, 7)),
    };
  });
});

function modelFile(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-models-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'line.onnx');
  fs.writeFileSync(file, linearModel(2, 1));
  return file;
}
