import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError, nameFault, withoutTrailing } from '../../base/index.ts';
import { commitOut, openData, pushContents, withoutPlaces, type Content, type WorkOptions } from '../../data/index.ts';
import { openStore } from '../../storage/index.ts';
import { privateSubfolder } from '../../trust/index.ts';
import { newDataStage, newOut, refuseDvcignored, requireFolder } from './add.ts';
import { withOutInfo, type DataRepo } from '../open/data-repo.ts';
import { gitSide } from '../open/git-side.ts';
import { buildGraph } from '../open/graph.ts';
import { materialize } from '../sources/source.ts';
import { outAround, treePathOf } from '../open/targets.ts';
import { requireRemote } from '../open/require-remote.ts';

export interface AddToOutCommand extends WorkOptions {
  /** A path, or a URL of a kind of store that can be read. */
  readonly source: string;
  readonly out?: string | undefined;
  /** Send the content to the remote and keep nothing here but the `.dvc` file. */
  readonly toRemote?: boolean;
  readonly remote?: string | undefined;
  readonly jobs?: number | undefined;
  readonly force?: boolean;
}

/**
 * `add --out` and `add --to-remote`: brings content in from elsewhere and tracks it at a place of its own.
 * @returns the files that the user should `git add`.
 * @throws MlopsError `files_in_the_way`, `no_remote`, those of `add` and of the store.
 */
export async function addToOut(repo: DataRepo, command: AddToOutCommand): Promise<string[]> {
  const target = destinationOf(repo.cwd, command.source, command.out, command.force === true);
  const inside = treePathOf(repo, target);
  if (inside === undefined || inside === '') throw new MlopsError('bad_path', `'${target}' is outside of the project`);
  requireFolder(path.dirname(target));
  refuseDvcignored(repo, target);
  const parent = path.posix.dirname(inside);
  const out = newOut(path.posix.basename(inside), inside);
  const known = outAround(repo.stages(), inside);
  const stage =
    known?.out.path === inside ? known.stage : newDataStage(`${inside}.dvc`, parent === '.' ? '' : parent, out);
  if (!repo.stages().includes(stage)) buildGraph([...repo.stages(), stage], (file) => repo.display(file));
  const content = command.toRemote === true ? await sendAway(repo, command) : await bringIn(repo, command, target);
  const side = gitSide(repo);
  // DVC does not ignore what is not here.
  if (command.toRemote !== true) side.ignore([target]);
  repo.saveStage(withOutInfo(stage, stage.outs[0] ?? out, content));
  side.changed(path.join(repo.root, stage.file));
  return side.finish();
}

/** Where content from elsewhere goes: the name given, inside a folder given, or its own name here. */
export function destinationOf(cwd: string, source: string, out: string | undefined, force: boolean): string {
  // As Python reads a URL: of `a:b` the name is `b`.
  const address = source.slice(0, /[?#]/.exec(source)?.index).replace(/^[a-z][a-z0-9+.-]*:(?!\/\/)/i, '');
  const name = path.basename(withoutTrailing(address, '/'));
  // `get URL .` is what is in the source, here: nothing is named by it.
  const fault = out === undefined && name !== '.' && name !== '' ? nameFault(name) : undefined;
  if (fault !== undefined) {
    throw new MlopsError('bad_path', `'${source}' cannot lend its name to what is made here: it ${fault}`, {
      hint: 'give it one: --out NAME',
    });
  }
  const isFolder =
    out !== undefined && fs.statSync(path.resolve(cwd, out), { throwIfNoEntry: false })?.isDirectory() === true;
  const shown = out === undefined ? name : isFolder ? path.join(out, name) : out;
  const target = path.resolve(cwd, shown);
  if (!force && fs.existsSync(target)) {
    const what = fs.statSync(target).isDirectory() ? 'directory' : 'file';
    throw new MlopsError(
      'files_in_the_way',
      `The ${what} '${shown}' already exists locally. \nTo override it, re-run with '--force'.`,
    );
  }
  return target;
}

async function bringIn(repo: DataRepo, command: AddToOutCommand, target: string): Promise<Content> {
  await materialize(repo, command.source, repo.places.require(target), command);
  return commitOut(repo.data, target, command);
}

/** Through a cache of its own that goes away afterwards, so that nothing stays on this machine. */
export async function sendAway(repo: DataRepo, command: AddToOutCommand): Promise<Content> {
  const remote = requireRemote(repo, command.remote);
  const folder = fs.mkdtempSync(path.join(privateSubfolder(repo.stateDir, 'tmp', { make: true }), 'to-remote-'));
  const data = openData({
    ...withoutPlaces(repo.data),
    cacheDir: path.join(folder, 'cache'),
    stateDir: path.join(folder, 'state'),
    linkTypes: ['copy'],
    ignored: () => false,
  });
  const store = await openStore(remote.url, remote.options);
  try {
    const source = path.resolve(repo.cwd, command.source);
    const local = fs.existsSync(source) ? source : path.join(folder, 'content');
    if (local !== source) await materialize(repo, command.source, local, command);
    const content = await commitOut(data, local, { ...command, relink: false });
    const { failures } = await pushContents(data, store, [content], command);
    const [first] = failures;
    if (first !== undefined)
      throw new MlopsError('transfer_failed', `${failures.length} files failed to upload: ${first.message}`);
    return content;
  } finally {
    data.close();
    await store.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
