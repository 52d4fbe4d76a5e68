import { findGates, readGates } from '../../app/quality/gates-file.ts';
import { promoteThroughGates } from '../../app/quality/promote-through-gates.ts';
import { modelNamed, readSelector, versionNamed } from '../../app/registry/resolve-model.ts';
import { MlopsError } from '../../base/index.ts';
import { modelVersionToJson } from '../../mlflow/index.ts';
import { canonicalStage } from '../../tracking/index.ts';
import type { Command } from '../parse/command.ts';
import { withStore } from '../session/with-store.ts';
import { userName } from './models-input.ts';
import { dataPlaces, gatesFlag, logFlag } from './monitor-input.ts';

export const promoteCommand: Command = {
  name: 'models promote',
  owner: 'mlops',
  summary: 'Move a version to a stage, if it meets its thresholds and gates',
  examples: [
    ['mlops models promote digits 2 --stage Production --archive-existing', 'replace what is in production'],
    ["mlops models promote digits 2 --stage Staging --require 'metrics.accuracy>=0.9'", 'only if good enough'],
    ['mlops models promote digits 2 --stage Production --better-than Production --on accuracy', 'only if better'],
  ],
  args: [
    { name: 'name', summary: 'the model', completes: 'model' },
    { name: 'version', completes: 'version', summary: 'a version, @alias, stage or latest' },
  ],
  flags: [
    { name: 'stage', value: 'STAGE', summary: 'None, Staging, Production or Archived' },
    { name: 'archive-existing', summary: 'archive the versions that are in that stage now' },
    { name: 'require', value: 'METRIC>=X', repeat: 'each', summary: 'a threshold that the source run must meet' },
    { name: 'better-than', value: 'SELECTOR', summary: 'a stage, alias or version that must be beaten' },
    { name: 'on', value: 'METRIC', summary: 'the metric of --better-than; -METRIC where less is better' },
    { name: 'or-none', summary: 'with --better-than: pass where the other version lacks the metric' },
    gatesFlag,
    { name: 'override', value: 'REASON', summary: 'go on although gates fail; the reason goes to the audit trail' },
    logFlag,
    { name: 'reason', short: 'm', value: 'TEXT', summary: 'why, for the audit trail' },
    { name: 'json', summary: 'print JSON' },
  ],
  exits: { 1: 'a threshold was not met, or a gate failed' },
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const stage = input.text('stage');
        if (stage === undefined) {
          throw new MlopsError('usage', 'promote to which stage?', {
            hint: 'add --stage Staging or --stage Production',
          });
        }
        const gatesFile = input.text('gates') ?? findGates(terminal.cwd);
        const done = await promoteThroughGates(store, readSelector(input.args[0] ?? '', input.args[1]), {
          stage: canonicalStage(stage),
          archiveExisting: input.on('archive-existing'),
          by: userName(terminal),
          why: input.text('reason'),
          require: input.list('require'),
          betterThan: input.text('better-than'),
          on: input.text('on'),
          orNone: input.on('or-none'),
          gates: gatesFile === undefined ? undefined : readGates(terminal.cwd, gatesFile),
          places: dataPlaces(input, terminal),
          override: input.text('override'),
          onStep: (what) => terminal.note(what),
        });
        const { version, from, checks, gates, newer } = done;
        if (input.on('json')) return terminal.json({ ...modelVersionToJson(version), from, checks, gates });
        for (const { gate, name, passed, found } of gates) {
          terminal.print(`  ${passed ? 'ok' : 'overridden'}  ${gate} ${name}: ${found}`);
        }
        for (const check of checks) terminal.print(`  ok  ${check.text}`);
        terminal.print(`${version.name} version ${version.version}: ${from} -> ${version.stage}`);
        if (newer !== undefined) {
          terminal.warn(
            `version ${newer.version} is in ${version.stage} too, and as the newest it is the one served; ` +
              `move it with \`mlops models promote ${version.name} ${newer.version} --stage Archived\`, or use --archive-existing`,
          );
        }
        if (version.stage === 'Production') terminal.next(`mlops serve models:/${version.name}/Production`);
      },
      { create: false },
    ),
};

export const alias: Command = {
  name: 'models alias',
  owner: 'mlops',
  summary: 'Point an alias to a version, or delete one',
  examples: [
    ['mlops models alias digits 2 champion', 'models:/digits@champion is version 2'],
    ['mlops models alias digits --delete champion', 'take it away'],
  ],
  args: [
    { name: 'name', summary: 'the model', completes: 'model' },
    { name: 'version', completes: 'version', summary: 'a version, stage, @alias or latest', optional: true },
    { name: 'alias', summary: 'the alias', optional: true },
  ],
  flags: [{ name: 'delete', value: 'ALIAS', summary: 'delete this alias' }],
  run: (input, terminal) =>
    withStore(
      terminal,
      async (store) => {
        const [word = '', selector, name] = input.args;
        const model = await modelNamed(store, word);
        const gone = input.text('delete');
        const motive = { by: userName(terminal) };
        if (gone !== undefined) {
          await store.deleteAlias(model.name, gone.replace(/^@/, ''), motive);
          return terminal.note(`deleted the alias ${gone} of ${model.name}`);
        }
        if (selector === undefined || name === undefined) {
          throw new MlopsError('usage', 'which version, and which alias?', {
            hint: 'mlops models alias NAME VERSION ALIAS',
          });
        }
        const { version } = await versionNamed(store, { name: model.name, selector });
        const bare = name.replace(/^@/, '');
        await store.setAlias(model.name, bare, version, motive);
        terminal.print(`${model.name}@${bare} is version ${version}`);
      },
      { create: false },
    ),
};
