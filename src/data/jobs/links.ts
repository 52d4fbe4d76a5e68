import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError, MlopsError, temporaryName } from '../../base/index.ts';
import { makePrivateFolder } from '../../trust/index.ts';
import type { StatIndex } from '../index/stat-index.ts';

/** How workspace files are made from objects: sharing blocks, sharing the file, pointing to it, or a copy. */
export type LinkType = 'reflink' | 'hardlink' | 'symlink' | 'copy';

/** What decides how links are made. Absolute paths. */
export interface LinkSettings {
  readonly root: string;
  readonly cacheDir: string;
  readonly stateDir: string;
  /** In the order to try; DVC's default is reflink, copy. */
  readonly linkTypes: readonly LinkType[];
}

/**
 * The first configured link type that works between cache and workspace. The answer is remembered per
 * pair of devices, so that it is probed once and not by each command.
 * @throws MlopsError `link_unsupported` when none works.
 */
export function chooseLinkType(settings: LinkSettings, index: StatIndex): LinkType {
  const wanted = settings.linkTypes.length === 0 ? defaultLinkTypes : settings.linkTypes;
  if (wanted[0] === 'copy' || wanted[0] === 'symlink') return wanted[0];
  const cacheSide = nearestFolder(settings.cacheDir);
  const devices = [cacheSide, settings.root].map((dir) => fs.statSync(dir).dev).join(':');
  const note = `link type of ${wanted.join(',')} on ${devices}`;
  const known = index.note(note);
  if (known !== undefined) return known as LinkType;
  const works = wanted.find((type) => probe(type, cacheSide, settings.stateDir));
  if (works === undefined) {
    throw new MlopsError(
      'link_unsupported',
      `none of the link types of cache.type (${wanted.join(', ')}) works between '${settings.cacheDir}' and '${settings.root}'`,
      { hint: 'add copy to it: mlops config cache.type reflink,copy' },
    );
  }
  index.putNote(note, works);
  return works;
}

export const defaultLinkTypes: readonly LinkType[] = ['reflink', 'copy'];

/** Where no cache was made yet, what will hold it is on the same device. */
export function nearestFolder(folder: string): string {
  return fs.existsSync(folder) ? folder : nearestFolder(path.dirname(folder));
}

function probe(type: LinkType, cacheSide: string, stateDir: string): boolean {
  if (type === 'copy' || type === 'symlink') return true;
  const source = temporaryName(path.join(cacheSide, 'probe'));
  const target = temporaryName(path.join(stateDir, 'probe'));
  try {
    makePrivateFolder(stateDir);
    fs.writeFileSync(source, 'probe');
    makeLink(type, source, target, 0o644);
    return true;
  } catch (error) {
    if (isSystemError(error, ...unsupported)) return false;
    throw error;
  } finally {
    fs.rmSync(source, { force: true });
    fs.rmSync(target, { force: true });
  }
}

const unsupported = ['ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EINVAL', 'ENOSYS', 'ENOTTY', 'EPERM', 'EMLINK'];

/** Makes `target`, which must not exist. Reflinks and copies get `mode`; hard links and symlinks are the object. */
export function makeLink(type: LinkType, source: string, target: string, mode: number): void {
  if (type === 'hardlink') fs.linkSync(source, target);
  else if (type === 'symlink') fs.symlinkSync(source, target);
  else {
    const clone = type === 'reflink' ? fs.constants.COPYFILE_FICLONE_FORCE : 0;
    fs.copyFileSync(source, target, fs.constants.COPYFILE_EXCL | clone);
    fs.chmodSync(target, mode);
  }
}

/** Replaces a workspace file by a link of the type, atomically. */
export function replaceByLink(type: LinkType, source: string, target: string, mode: number): void {
  const temp = temporaryName(target);
  try {
    makeLink(type, source, temp, mode);
    fs.renameSync(temp, target);
    // rename does nothing, and says nothing, when both names are already the same file.
    fs.rmSync(temp, { force: true });
  } catch (error) {
    fs.rmSync(temp, { force: true });
    throw error;
  }
}

/** The mode of workspace files that are copies: what the user's umask leaves of 0o666 (and x, for executables). */
export function workspaceMode(executable: boolean): number {
  return (executable ? 0o766 : 0o666) & ~process.umask();
}
