import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import { rememberLink } from '../../data/index.ts';
import { stageChecksum, type Dep, type Out, type Stage } from '../../project/index.ts';
import { requireFolder } from './add.ts';
import type { DataRepo } from '../open/data-repo.ts';
import { gitSide } from '../open/git-side.ts';
import { buildGraph } from '../open/graph.ts';
import { absoluteOut, treePathOf } from '../open/targets.ts';

/**
 * Renames a tracked file or folder with its `.dvc` file and ignore line.
 * @returns the files that the user should `git add`.
 * @throws MlopsError `unknown_stage`, `files_in_the_way`, `target_overlaps` for outputs of pipelines.
 */
export function move(repo: DataRepo, from: string, to: string): string[] {
  const source = path.resolve(repo.cwd, from);
  const given = path.resolve(repo.cwd, to);
  const intoFolder = fs.statSync(given, { throwIfNoEntry: false })?.isDirectory() === true;
  const target = intoFolder ? path.join(given, path.basename(source)) : given;
  const found = repo.stages().flatMap((stage) => stage.outs.map((out) => ({ stage, out })));
  const owner = found.find(({ out }) => out.path !== undefined && absoluteOut(repo, out) === source);
  if (owner === undefined) throw new MlopsError('unknown_stage', `Unable to find DVC file with output '${from}'`);
  const { stage, out } = owner;
  if (stage.kind !== 'data') {
    throw new MlopsError(
      'target_overlaps',
      `'dvc move' is not permitted for stages that are not data sources. You need to either move '${from}' to a new location and edit it by hand, or remove '${from}' and create a new one at the desired location.`,
    );
  }
  const inside = treePathOf(repo, target);
  if (inside === undefined || inside === '') throw new MlopsError('bad_path', `'${to}' is outside of the project`);
  requireFolder(path.dirname(target));
  const renamed = renameStage(stage, out, inside, path.basename(source));
  const isNewFile = renamed.file !== stage.file;
  if (isNewFile && fs.existsSync(path.join(repo.root, renamed.file))) {
    throw new MlopsError('files_in_the_way', `'${repo.display(renamed.file)}' already exists`);
  }
  buildGraph([...repo.stages().filter((other) => other !== stage), renamed], repo.display.bind(repo));
  return carryOut(repo, stage, renamed, source, target);
}

function renameStage(stage: Stage, out: Out, inside: string, oldName: string): Stage {
  const parent = path.posix.dirname(inside) === '.' ? '' : path.posix.dirname(inside);
  const ownName = path.posix.basename(stage.file, '.dvc') === oldName;
  const wdir = ownName ? parent : stage.wdir;
  const adjust = (dep: Dep): Dep =>
    dep.path === undefined || path.isAbsolute(dep.defPath)
      ? dep
      : { ...dep, defPath: path.posix.relative(wdir, dep.path) };
  const renamed: Stage = {
    ...stage,
    file: ownName ? `${inside}.dvc` : stage.file,
    address: ownName ? `${inside}.dvc` : stage.address,
    wdir,
    deps: stage.deps.map(adjust),
    outs: [{ ...out, path: inside, defPath: path.posix.relative(wdir, inside) }],
  };
  return stage.md5 === undefined ? renamed : { ...renamed, md5: stageChecksum(renamed) };
}

function carryOut(repo: DataRepo, stage: Stage, renamed: Stage, source: string, target: string): string[] {
  const side = gitSide(repo);
  if (fs.existsSync(source)) {
    if (fs.existsSync(target)) throw new MlopsError('files_in_the_way', `'${target}' already exists`);
    for (const place of [source, target]) repo.places.require(place);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.renameSync(source, target);
  }
  side.unignore([source]);
  side.ignore([target]);
  repo.saveStage(renamed);
  side.changed(path.join(repo.root, renamed.file));
  if (renamed.file !== stage.file) {
    repo.removeStageFile(stage.file);
    side.changed(path.join(repo.root, stage.file));
  }
  const md5 = renamed.outs[0]?.info?.md5;
  if (source.startsWith(`${repo.root}/`)) repo.data.index.putLink(source.slice(repo.root.length + 1), undefined);
  if (md5 !== undefined) rememberLink(repo.data, target, md5);
  return side.finish();
}
