import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError, privateFolderName } from '../base/index.ts';
import { isOurs, trackedByClone } from './owner.ts';
import { privateFolder } from './private-folder.ts';

/** Where DVC and we keep what is nobody else's business: no link there may come with a repository. */
const ownPlaces = [
  '.dvc',
  '.dvc/tmp',
  '.dvc/tmp/lock',
  '.dvc/tmp/rwlock',
  '.dvc/cache',
  '.dvc/config',
  '.dvc/config.local',
];

const known = new Set<string>();

/**
 * Refuses to work with state that somebody else may have written: a private folder (`.mlops`) that Git tracks, that is
 * a link, or that belongs to another user, and links in `.dvc` that Git tracks. Whatever is in such a folder could make
 * commands delete files, end processes or let people in.
 *
 * Costs some looks at files and, where there is a private folder, a glance at Git's index: 0.2 ms.
 *
 * @param root the folder that holds `.dvc` or `.mlops`.
 * @throws MlopsError `untrusted_state`.
 */
export function requireTrusted(root: string): void {
  if (known.has(root)) return;
  const folder = privateFolder(root);
  const stat = fs.lstatSync(folder, { throwIfNoEntry: false });
  if (stat?.isSymbolicLink() === true) throw isLink(folder);
  if (stat !== undefined && !stat.isDirectory()) throw isNoFolder(folder);
  if (stat !== undefined && !isOurs(stat, folder)) throw isOthers(folder, stat.uid);
  const links = ownPlaces.filter((place) => isLinkAt(path.join(root, place)));
  if (stat !== undefined || links.length > 0) refuseTracked(root, links);
  // Made by an older version of ours, or unpacked: what is in it is for this user alone.
  if (stat !== undefined && (stat.mode & 0o077) !== 0 && stat.uid === process.geteuid?.()) fs.chmodSync(folder, 0o700);
  known.add(root);
}

function refuseTracked(root: string, links: readonly string[]): void {
  for (const { path: file } of trackedByClone(root)) {
    if (privateFolderName(file.split('/')[0] ?? '') === '.mlops') throw isTracked(privateFolder(root), file);
    const link = links.find((place) => place.toLowerCase() === file.toLowerCase());
    if (link !== undefined) throw isTrackedLink(root, link);
  }
}

function isLinkAt(file: string): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function isTracked(folder: string, file: string): MlopsError {
  return untrusted(`the private folder '${folder}' came with the repository: Git tracks '${file}'`, {
    hint: `nothing in it is used, since it could delete files or let people in. Remove it from Git and from here: git rm -r -q --cached ${path.basename(folder)} && rm -rf ${path.basename(folder)}`,
    data: { path: folder },
  });
}

function isTrackedLink(root: string, link: string): MlopsError {
  return untrusted(`'${path.join(root, link)}' is a link that came with the repository`, {
    hint: `commands would write where it leads to. Remove it: git rm -q ${link}`,
    data: { path: path.join(root, link) },
  });
}

function isLink(folder: string): MlopsError {
  return untrusted(`the private folder '${folder}' is a link`, {
    hint: `commands would move and delete what it leads to. Remove the link; a store elsewhere is named by MLFLOW_TRACKING_URI: rm ${folder}`,
    data: { path: folder },
  });
}

function isNoFolder(folder: string): MlopsError {
  return untrusted(`'${folder}' is no folder`, {
    hint: `move it away: mv ${folder} ${folder}.old`,
    data: { path: folder },
  });
}

function isOthers(folder: string, uid: number): MlopsError {
  return untrusted(`the private folder '${folder}' belongs to another user (${uid})`, {
    hint: `work in a project of your own (\`mlops init\`), or say that you trust it as you say it to Git: git config --global --add safe.directory ${folder}`,
    data: { path: folder },
  });
}

function untrusted(
  message: string,
  details: { readonly hint: string; readonly data: { readonly path: string } },
): MlopsError {
  return new MlopsError('untrusted_state', message, details);
}
