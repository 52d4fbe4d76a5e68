import { openPlace, trackingPlace } from '../../app/places/tracking-home.ts';
import { convertModel } from '../../app/registry/convert.ts';
import { readSelector, versionNamed } from '../../app/registry/resolve-model.ts';
import { plural } from '../../base/index.ts';
import { modelVersionToJson } from '../../mlflow/index.ts';
import type { Command } from '../parse/command.ts';
import { userName, versionArgs } from './models-input.ts';
import { pythonOf } from './serve-flags.ts';

export const convert: Command = {
  name: 'models convert',
  owner: 'mlops',
  summary: 'Convert a version to ONNX, as a new version',
  description:
    'Runs your Python, which needs the packages of the model and the converter: skl2onnx for scikit-learn, onnxmltools for XGBoost and LightGBM; torch, ultralytics, tf2onnx and optimum are written and untested. Nothing is installed. Both models answer the input example; where they differ, nothing is registered. Loading a pickle runs its code.',
  examples: [
    ['mlops models convert oracle 3', 'version 3 of the model, by python3'],
    ['mlops models convert oracle Production --python .venv/bin/python', "by the project's Python"],
  ],
  args: versionArgs,
  flags: [
    { name: 'to', value: 'FORMAT', choices: ['onnx'], default: 'onnx', summary: 'what to make of it' },
    { name: 'python', value: 'PATH', completes: 'path', summary: 'the Python that converts (default: python3)' },
    { name: 'json', summary: 'print JSON' },
  ],
  async run(input, terminal) {
    const { cwd, env, signal } = terminal;
    const place = trackingPlace(cwd, env);
    const python = pythonOf(input, terminal) ?? 'python3';
    const store = await openPlace(place, { create: false, signal });
    try {
      const version = await versionNamed(store, readSelector(input.args[0] ?? '', input.args[1]));
      const options = { python, env, cwd, root: place.root, user: userName(terminal), signal };
      const { registered, by, comparison } = await convertModel(store, version, options);
      const made = registered.version;
      if (input.on('json')) {
        return terminal.json({ ...modelVersionToJson(made), converted_by: by, comparison: comparison ?? null });
      }
      terminal.print(`Converted ${version.name} version ${version.version} to version ${made.version} by ${by}`);
      if (comparison === undefined) terminal.warn('there was no input example by which to compare both');
      else {
        const near = comparison.difference.toPrecision(2);
        terminal.print(`  compared on ${plural(comparison.rows, 'row')}: largest difference ${near}`);
      }
      terminal.next(`mlops serve models:/${made.name}/${made.version}`);
    } finally {
      await store.close();
    }
  },
};
