import * as os from 'node:os';
import * as path from 'node:path';

import { openPlace, trackingPlace } from '../../app/places/tracking-home.ts';
import { predictBatch } from '../../app/usecases/batch-predict.ts';
import type { ServeRuntime } from '../../app/usecases/serve.ts';
import { MlopsError, plural } from '../../base/index.ts';
import { privateFile, privateFolder } from '../../trust/index.ts';
import type { Command, Verb } from '../parse/command.ts';
import { version } from '../parse/version.ts';
import { pythonFlags, pythonOf } from './serve-flags.ts';

export const verb: Verb & Command = {
  name: 'predict',
  owner: 'mlops',
  summary: 'Predict every row of a table or every picture of a folder',
  description:
    'MODEL is what `mlops serve` takes. INPUT is CSV, JSON lines, Parquet (also gzip) or a folder of pictures. The output, CSV or JSON lines, has the rows of the input in their order with all their columns, then those of the model. Rows that fail go to OUTPUT.errors.jsonl. Stopped and started again, it goes on where it was. The exit status is 1 when rows failed.',
  examples: [
    ['mlops predict models:/digits/Production rows.csv -o predicted.csv', 'a table'],
    ['mlops predict detector.onnx photos/ -o found.jsonl', 'pictures'],
  ],
  args: [
    { name: 'model', summary: 'models:/NAME/STAGE, runs:/ID/PATH, a folder or a file', completes: 'model' },
    { name: 'input', summary: 'a table, or a folder of pictures', completes: 'path' },
  ],
  flags: [
    { name: 'out', short: 'o', value: 'FILE', completes: 'path', summary: 'the file to write: .csv or .jsonl' },
    { name: 'force', short: 'f', summary: 'begin anew, whatever is there' },
    {
      name: 'runtime',
      value: 'NAME',
      choices: ['onnx', 'python', 'auto'],
      default: 'auto',
      summary: 'what runs the model; auto: Python where there is no ONNX',
    },
    ...pythonFlags,
    { name: 'json', summary: 'print JSON' },
  ],
  async run(input, terminal) {
    const { cwd, env, signal } = terminal;
    const out = input.text('out');
    if (out === undefined) throw new MlopsError('usage', 'predictions need a file', { hint: 'add -o FILE' });
    const place = trackingPlace(cwd, env);
    const done = await predictBatch({
      input: path.resolve(cwd, input.args[1] ?? ''),
      output: path.resolve(cwd, out),
      force: input.on('force'),
      signal,
      onProgress: terminal.progress,
      serve: {
        ...{ sources: [input.args[0] ?? ''], cwd, env, host: '127.0.0.1', port: 0, auth: false },
        openStore: () => openPlace(place, { create: false, signal }),
        threads: os.availableParallelism(),
        keyFile: privateFile(privateFolder(place.root), 'keys.json'),
        bodyLimit: 256 * 1024 * 1024,
        scheduler: { deadline: 300_000 },
        serverVersion: version,
        runtime: {
          kind: (input.text('runtime') ?? 'auto') as ServeRuntime['kind'],
          trust: input.on('trust'),
          python: { python: pythonOf(input, terminal), env },
        },
        log: terminal.log,
      },
    });
    if (input.on('json')) terminal.json({ ...done, output: out });
    else {
      const before = done.resumed > 0 ? `, ${done.resumed} of them before` : '';
      terminal.print(`Predicted ${plural(done.rows - done.failed, 'row')} into ${out}${before}`);
      if (done.failed > 0)
        terminal.warn(`${plural(done.failed, 'row')} failed: see ${path.relative(cwd, done.errorsFile)}`);
    }
    return done.failed > 0 ? 1 : 0;
  },
};
