import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

import { analyseRows, readOnnx, servableInputs } from '../../../src/model/index.ts';
import { describeWithTool } from '../../tools.ts';

const run = promisify(execFile);
const script = path.join(import.meta.dirname, 'python', 'make_row_graphs.py');

/** Graphs of which we say that they mix rows although these rows did not meet. */
const cautious = ['reverseseq'];

describeWithTool('mlflow', 'rows in graphs', ({ mlflow: python }) => {
  it('are called apart only where onnxruntime keeps them apart', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rows-'));
    const { stdout } = await run(python, [script, folder], { maxBuffer: 1 << 26 });
    const mixes = new Map(Object.entries(JSON.parse(stdout) as Record<string, boolean>));
    const wrong = [...mixes].filter(([name, mixed]) => {
      const bytes = fs.readFileSync(path.join(folder, `${name}.onnx`));
      const model = readOnnx(bytes, name);
      const outputs = model.outputs.map((output) => output.name);
      const { mixing } = analyseRows(bytes, servableInputs(model) ?? [], outputs);
      return (mixing === undefined) === mixed;
    });
    fs.rmSync(folder, { recursive: true });
    expect(mixes.size).toBeGreaterThan(90);
    expect(wrong.map(([name]) => name)).toEqual(cautious);
  }, 120_000);
});
