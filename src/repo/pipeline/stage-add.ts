import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError, type PyMap } from '../../base/index.ts';
import { editYaml, pipelineFileName, treePath, type Out, type ParamsDep, type Stage } from '../../project/index.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { gitSide } from '../open/git-side.ts';
import { buildGraph } from '../open/graph.ts';
import { absolutePath } from '../open/pipeline-project.ts';
import { stageDefinition } from './stage-file.ts';

export interface StageAddCommand {
  readonly name: string;
  readonly command: string;
  readonly force?: boolean;
  readonly deps?: readonly string[];
  /** `key1,key2`, `file:key1,key2`, `file:` for a whole file. */
  readonly params?: readonly string[];
  readonly outs?: readonly string[];
  readonly outsNoCache?: readonly string[];
  readonly outsPersist?: readonly string[];
  readonly outsPersistNoCache?: readonly string[];
  readonly metrics?: readonly string[];
  readonly metricsNoCache?: readonly string[];
  readonly plots?: readonly string[];
  readonly plotsNoCache?: readonly string[];
  readonly wdir?: string | undefined;
  readonly alwaysChanged?: boolean;
  readonly desc?: string | undefined;
}

export interface StageAddReport {
  readonly address: string;
  /** The dvc.yaml, relative to where the command was given. */
  readonly file: string;
  readonly gitFiles: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Writes a stage into the dvc.yaml where the user stands, and makes Git ignore its outputs. Comments and
 * layout of the file stay.
 *
 * @throws MlopsError `usage` and `bad_pipeline` in DVC's words.
 */
export function addStage(repo: DataRepo, command: StageAddCommand): StageAddReport {
  checkName(command);
  const dir = path.relative(repo.root, repo.cwd);
  const file = dir === '' ? pipelineFileName : `${dir}/${pipelineFileName}`;
  const before = repo.stages().find((stage) => stage.file === file && stage.name === command.name);
  if (before !== undefined && command.force !== true) {
    throw new MlopsError('usage', `Stage '${command.name}' already exists in 'dvc.yaml'. Use '--force' to overwrite.`, {
      exit: 255,
    });
  }
  const stage = stageFrom(repo, command, file, dir, before);
  checkPaths(repo, stage);
  checkGraph(repo, stage, before);
  const git = gitSide(repo);
  writeStage(repo, stage, command.wdir);
  git.changed(path.join(repo.root, file));
  const warnings = ignoreOuts(repo, stage, (targets) => git.ignore(targets));
  return { address: stage.address, file: repo.display(file), gitFiles: git.finish(), warnings };
}

function checkName(command: StageAddCommand): void {
  if (command.command === '') throw new MlopsError('usage', 'command is not specified', { exit: 255 });
  if (/[!"#$%&'()*+,./:;<=>?@[\\\]^`{|}~]/.test(command.name) || command.name === '') {
    throw new MlopsError('usage', 'Stage name cannot contain punctuation characters.', {
      exit: 255,
      hint: 'letters, digits, - and _ are fine',
    });
  }
}

function stageFrom(
  repo: DataRepo,
  command: StageAddCommand,
  file: string,
  dir: string,
  before: Stage | undefined,
): Stage {
  const wdir = treePath(command.wdir ?? '.', dir, repo.root) ?? dir;
  const locate = (defPath: string): string | undefined => treePath(defPath, wdir, repo.root);
  return {
    address: command.name,
    kind: 'pipeline',
    name: command.name,
    file,
    wdir,
    cmd: command.command,
    deps: (command.deps ?? []).map((defPath) => ({ defPath, path: locate(defPath), info: undefined })),
    params: paramsFrom(command.params ?? [], locate),
    outs: outsFrom(command, locate),
    frozen: false,
    alwaysChanged: command.alwaysChanged === true,
    desc: command.desc ?? before?.desc,
    meta: before?.meta,
    md5: undefined,
    locked: undefined,
  };
}

function outsFrom(command: StageAddCommand, locate: (defPath: string) => string | undefined): Out[] {
  const make = (paths: readonly string[] | undefined, flags: Partial<Out>): Out[] =>
    (paths ?? []).map((defPath) => ({
      defPath,
      path: locate(defPath),
      cache: true,
      persist: false,
      push: true,
      remote: undefined,
      metric: false,
      plot: undefined,
      info: undefined,
      ...flags,
    }));
  return [
    ...make(command.outsPersist, { persist: true }),
    ...make(command.outsPersistNoCache, { persist: true, cache: false }),
    ...make(command.metrics, { metric: true }),
    ...make(command.metricsNoCache, { metric: true, cache: false }),
    ...make(command.plots, { plot: new Map() }),
    ...make(command.plotsNoCache, { plot: new Map(), cache: false }),
    ...make(command.outsNoCache, { cache: false }),
    ...make(command.outs, {}),
  ];
}

function paramsFrom(params: readonly string[], locate: (defPath: string) => string | undefined): ParamsDep[] {
  const files = new Map<string, string[]>();
  for (const text of params) {
    const colon = text.lastIndexOf(':');
    const file = colon <= 0 ? 'params.yaml' : text.slice(0, colon);
    const keys = text
      .slice(colon + 1)
      .split(',')
      .filter((key) => key !== '');
    files.set(file, [...(files.get(file) ?? []), ...keys]);
  }
  return [...files].map(([defPath, keys]) => ({
    defPath,
    path: locate(defPath) ?? defPath,
    keys: keys.length === 0 ? undefined : [...new Set(keys)],
    recorded: undefined,
  }));
}

/** What DVC refuses: a path that is both, a path twice, a folder that is not there. */
function checkPaths(repo: DataRepo, stage: Stage): void {
  const folder = path.join(repo.root, stage.wdir);
  if (fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new MlopsError('bad_path', `stage working dir '${repo.display(stage.wdir)}' does not exist`);
  }
  const deps = [...stage.deps, ...stage.params].map((entry) => absolutePath(repo, stage, entry));
  const outs = stage.outs.map((out) => absolutePath(repo, stage, out));
  const both = outs.find((out) => deps.includes(out));
  if (both !== undefined) {
    throw new MlopsError('bad_pipeline', `'${both}' is specified as an output and as a dependency.`);
  }
  const all = [...deps, ...outs];
  const twice = all.find((item, index) => all.indexOf(item) !== index);
  if (twice !== undefined) throw new MlopsError('bad_pipeline', `file '${twice}' is specified more than once.`);
  const external = stage.outs.filter((out) => out.cache && out.path === undefined);
  if (external.length > 0) {
    const names = external.map((out) => out.defPath).join(', ');
    throw new MlopsError('bad_pipeline', `Cached output(s) outside of DVC project: ${names}.`, {
      hint: 'use --outs-no-cache for outputs outside of the project',
    });
  }
}

function checkGraph(repo: DataRepo, stage: Stage, before: Stage | undefined): void {
  const others = repo.stages().filter((other) => other !== before);
  for (const other of others) {
    const same = other.outs.find((out) => stage.outs.some((own) => own.path !== undefined && own.path === out.path));
    if (same?.path === undefined) continue;
    throw new MlopsError(
      'bad_pipeline',
      `output '${repo.display(same.path)}' is already specified in stage: '${other.address}'.\n` +
        `Use \`dvc remove ${other.address}\` to stop tracking the overlapping output.`,
    );
  }
  buildGraph([...others, stage], (file) => repo.display(file));
}

/** Puts the definition of a stage into its dvc.yaml; an existing one is changed in place. */
export function writeStage(repo: DataRepo, stage: Stage, wdir: string | undefined): void {
  const file = path.join(repo.root, stage.file);
  const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
  const definition: PyMap = stageDefinition(stage, wdir === undefined || wdir === '.' ? undefined : wdir);
  const name = stage.name ?? '';
  const hasStages = text !== '' && /^stages\s*:/m.test(text);
  const edited = hasStages
    ? editYaml(text, stage.file, [{ op: 'set', path: ['stages', name], value: definition }])
    : editYaml(text, stage.file, [{ op: 'set', path: ['stages'], value: new Map([[name, definition]]) }]);
  repo.writeFile(stage.file, edited);
}

function ignoreOuts(repo: DataRepo, stage: Stage, ignore: (targets: readonly string[]) => void): string[] {
  const warnings: string[] = [];
  const targets = stage.outs.filter((out) => out.cache).map((out) => absolutePath(repo, stage, out));
  ignore(
    targets.filter((target) => {
      if (fs.existsSync(path.dirname(target))) return true;
      const file = path.join(path.dirname(target), '.gitignore');
      warnings.push(
        `Could not create .gitignore entry in ${file}. DVC will attempt to create .gitignore entry again when the stage is run.`,
      );
      return false;
    }),
  );
  return warnings;
}
