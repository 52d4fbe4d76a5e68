import * as path from 'node:path';

import { downloadModel } from '../../app/registry/download-model.ts';
import { registerModel, type Registered } from '../../app/registry/register.ts';
import { modelNamed, readSelector, versionNamed } from '../../app/registry/resolve-model.ts';
import { openPlace, trackingPlace } from '../../app/places/tracking-home.ts';
import { MlopsError, plural } from '../../base/index.ts';
import { everything, modelVersionToJson, registeredModelToJson } from '../../mlflow/index.ts';
import { versionsOf } from '../../tracking/index.ts';
import type { Command, FlagSpec, Input, Verb } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { withStore } from '../session/with-store.ts';
import { convert } from './models-convert.ts';
import { alias, promoteCommand } from './models-promote.ts';
import { packageCommand } from './models-package.ts';
import { card } from './models-card.ts';
import { serveCommand } from './models-serve.ts';
import { sign } from './models-sign.ts';
import { compare, history, show } from './models-show.ts';
import { pair, userName } from './models-input.ts';
import { modelTable } from './models-tables.ts';

const json: FlagSpec = { name: 'json', summary: 'print JSON' };

const register: Command = {
  name: 'models register',
  owner: 'mlops',
  summary: 'Register a model file, folder or artifact as a new version',
  description:
    'The file is copied into the store as an MLflow model folder that Python loads with mlflow.onnx.load_model or mlflow.pyfunc.load_model. If a recorded run made this very file, the version points to it.',
  examples: [
    ['mlops models register model.onnx --name digits', 'a file of this project'],
    ['mlops models register model.pt --name digits --metric accuracy=0.95', 'any model file, with a metric'],
    ['mlops models register runs:/3f2a91c0/model --name digits', 'what a script logged into a run'],
  ],
  args: [{ name: 'source', summary: 'a file, a folder, or runs:/ID/PATH', completes: 'path' }],
  flags: [
    { name: 'name', value: 'NAME', summary: 'the registered name', completes: 'model' },
    { name: 'metric', value: 'KEY=VALUE', repeat: 'each', summary: 'a metric, stored on the source run' },
    { name: 'tag', value: 'KEY=VALUE', repeat: 'each', summary: 'a tag of the version' },
    { name: 'description', value: 'TEXT', summary: 'what is special about this version' },
    json,
  ],
  async run(input, terminal) {
    const name = input.text('name');
    if (name === undefined || name === '') {
      throw new MlopsError('usage', 'a registered model needs a name', { hint: 'add --name NAME' });
    }
    const place = trackingPlace(terminal.cwd, terminal.env);
    const store = await openPlace(place, { signal: terminal.signal });
    try {
      const done = await registerModel(store, {
        source: input.args[0] ?? '',
        name,
        metrics: new Map(input.list('metric').map((text) => metricPair(text))),
        tags: input.list('tag').map((text) => pair(text, '--tag')),
        description: input.text('description'),
        cwd: terminal.cwd,
        root: place.root,
        user: userName(terminal),
      });
      if (input.on('json')) terminal.json(modelVersionToJson(done.version));
      else reportRegistered(done, terminal);
    } finally {
      await store.close();
    }
  },
};

function reportRegistered(done: Registered, terminal: Terminal): void {
  const { version, run, madeRun, stage, servable } = done;
  terminal.print(`Registered ${version.name} version ${version.version}`);
  if (run !== undefined && !madeRun) terminal.print(`  from run  ${run.info.id.slice(0, 8)} (${run.info.name})`);
  if (stage !== undefined) terminal.print(`  made by   stage ${stage}`);
  if (servable !== undefined) terminal.print(`  servable  ${servable ? 'yes' : `no: ${done.reason}`}`);
  if (servable === false && done.wayOut !== undefined) terminal.note(`to make it servable: ${done.wayOut}`);
  terminal.next(`mlops models promote ${version.name} ${version.version} --stage Production`);
}

function metricPair(text: string): [string, number] {
  const { key, value } = pair(text, '--metric');
  const number = Number(value);
  if (value.trim() !== '' && !Number.isNaN(number)) return [key, number];
  throw new MlopsError('usage', `--metric '${text}' is no number`, { hint: 'write --metric accuracy=0.95' });
}

const list: Command = {
  name: 'models list',
  aliases: ['ls'],
  owner: 'mlops',
  summary: 'List registered models with their newest and staged versions',
  examples: [['mlops models list', 'all models']],
  flags: [json],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const models = await everything((pageToken) => store.searchRegisteredModels({ maxResults: 1000, pageToken }));
        if (input.on('json')) return terminal.json(models.map(registeredModelToJson));
        if (models.length === 0) return terminal.note('no models are registered');
        for (const line of modelTable(models, terminal.columns)) terminal.print(line);
      },
      { create: false },
    ),
};

const tag: Command = {
  name: 'models tag',
  owner: 'mlops',
  summary: 'Set or delete tags of a model or of one version',
  examples: [
    ['mlops models tag digits owner=ann', 'of the model'],
    ['mlops models tag digits 3 validated=yes', 'of version 3'],
    ['mlops models tag digits 3 --delete validated', 'take one away'],
  ],
  args: [
    { name: 'name', summary: 'the model', completes: 'model' },
    { name: 'tags', summary: '[VERSION] KEY=VALUE...', optional: true, variadic: true },
  ],
  flags: [{ name: 'delete', value: 'KEY', repeat: 'each', summary: 'a tag to delete' }],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const [word = '', ...rest] = input.args;
        const selector = rest[0] !== undefined && !rest[0].includes('=') ? rest.shift() : undefined;
        const { name } = await modelNamed(store, readSelector(word).name);
        const version = selector === undefined ? undefined : await versionNamed(store, { name, selector });
        for (const one of rest.map((text) => pair(text, 'tag'))) {
          await (version === undefined
            ? store.setRegisteredModelTag(name, one)
            : store.setModelVersionTag(name, version.version, one));
        }
        for (const key of input.list('delete')) {
          await (version === undefined
            ? store.deleteRegisteredModelTag(name, key)
            : store.deleteModelVersionTag(name, version.version, key));
        }
        terminal.note(`tagged ${name}${version === undefined ? '' : ` version ${version.version}`}`);
      },
      { create: false },
    ),
};

const download: Command = {
  name: 'models download',
  owner: 'mlops',
  summary: 'Copy the files of a version into a folder',
  examples: [
    ['mlops models download digits Production', 'into ./digits'],
    ['mlops models download models:/digits@best -o model', 'by alias, into ./model'],
  ],
  args: [
    { name: 'name', summary: 'the model, or models:/NAME/SELECTOR', completes: 'model' },
    { name: 'version', completes: 'version', summary: 'a version, stage, @alias or latest (default)', optional: true },
  ],
  flags: [{ name: 'out', short: 'o', value: 'DIR', summary: 'the folder to make', completes: 'path' }, json],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const version = await versionNamed(store, readSelector(input.args[0] ?? '', input.args[1]));
        const target = path.resolve(terminal.cwd, input.text('out') ?? version.name);
        const files = await downloadModel(store, version, target);
        if (input.on('json')) return terminal.json({ path: target, version: version.version, files });
        terminal.print(`${version.name} version ${version.version}: ${plural(files.length, 'file')} in ${target}`);
      },
      { create: false },
    ),
};

const remove: Command = {
  name: 'models delete',
  owner: 'mlops',
  summary: 'Delete a version, or a model with all its versions',
  examples: [
    ['mlops models delete digits 2', 'one version'],
    ['mlops models delete digits --yes', 'the whole model'],
  ],
  args: [
    { name: 'name', summary: 'the model', completes: 'model' },
    { name: 'version', completes: 'version', summary: 'one version, by number or @alias', optional: true },
  ],
  flags: [
    { name: 'yes', short: 'y', summary: 'do not ask' },
    { name: 'dry-run', summary: 'only say what would be deleted' },
  ],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const { name } = await modelNamed(store, input.args[0] ?? '');
        const selector = input.args[1];
        const version = selector === undefined ? undefined : await versionNamed(store, { name, selector });
        const what =
          version === undefined
            ? `${name} with ${plural((await versionsOf(store, name)).length, 'version')}`
            : `${name} version ${version.version}${version.stage === 'None' ? '' : ` (${version.stage})`}`;
        if (input.on('dry-run')) {
          terminal.print(`would delete ${what}`);
          return 0;
        }
        if (!(await agreed(input, terminal, what, version === undefined ? name : undefined))) return 1;
        await (version === undefined
          ? store.deleteRegisteredModel(name)
          : store.deleteModelVersion(name, version.version));
        terminal.note(`deleted ${what}`);
        return 0;
      },
      { create: false },
    ),
};

/** A model with all that is in it is not deleted by one letter: its name is typed back. */
async function agreed(input: Input, terminal: Terminal, what: string, name: string | undefined): Promise<boolean> {
  return (
    input.on('yes') || terminal.confirm(`delete ${what}?`, { must: true, ...(name === undefined ? {} : { name }) })
  );
}

export const verb: Verb = {
  name: 'models',
  summary: 'Register models, promote versions, look at their history',
  commands: [
    register,
    list,
    show,
    promoteCommand,
    alias,
    tag,
    compare,
    download,
    packageCommand,
    remove,
    history,
    card,
    sign,
    convert,
    serveCommand,
  ],
};
