import * as fs from 'node:fs';
import * as path from 'node:path';

import { explainSystemError, isSystemError, MlopsError, plural, writeFileAtomic } from '../base/index.ts';
import type { TemplateFolder } from './manifest.ts';
import { substitute, type Values } from './substitute.ts';
import { completeValues } from './values.ts';
import { listFiles, openTemplate, templatesFolder } from './templates.ts';

export interface RenderOptions {
  /** Values of variables, of `when` in the manifest too; those of the manifest stand in for what is missing. */
  readonly variables?: Values;
  /** Leave files that exist as they are. */
  readonly keep?: boolean;
  /** Replace files that exist. Never a folder by a file, nor a file by a folder. */
  readonly force?: boolean;
  /** Check everything and write nothing. */
  readonly dryRun?: boolean;
}

export interface Rendered {
  /** Every file of the project that comes from the template, sorted, relative to the folder, with forward slashes. */
  readonly files: readonly string[];
  /** With `keep`: those that were there already with other content, and stayed. */
  readonly kept: readonly string[];
  /** Commands to type next, in the new folder. */
  readonly next: readonly string[];
}

interface Planned {
  /** Path in the project, with forward slashes. */
  readonly target: string;
  readonly file: string;
  readonly content: Buffer;
  readonly found: Found;
}

/** What is in a file's place: nothing, the same bytes, other bytes, or something that no write can replace. */
type Found = 'nothing' | 'same' | 'other' | Blocker;

interface Blocker {
  readonly path: string;
  readonly needed: 'a file' | 'a folder';
}

/**
 * Copies a template, by its name or the path of its folder, into a folder, which is made if need be. Everything is
 * checked before the first write; a write that fails takes back the files and folders that this call made.
 * A file that is there already with the same bytes is left alone, so an interrupted copy can be repeated.
 * Throws `unknown_project_template`, `bad_project_template`, `files_in_the_way` (names them; `data.files`), `permission_denied`,
 * `disk_full`.
 */
export function renderTemplate(name: string, targetFolder: string, options: RenderOptions = {}): Rendered {
  return renderFrom(templatesFolder(), name, targetFolder, options);
}

/** As `renderTemplate`, with the folder that holds the templates. */
export function renderFrom(
  templates: string,
  name: string,
  targetFolder: string,
  { variables = {}, keep = false, force = false, dryRun = false }: RenderOptions = {},
): Rendered {
  const template = openTemplate(templates, name);
  try {
    const folder = path.resolve(targetFolder);
    const plan = makePlan(template, folder, variables);
    refuseConflicts(plan, targetFolder, force || keep);
    const kept = keep ? plan.filter(({ found }) => found === 'other') : [];
    if (!dryRun) writeAll(plan.filter((file) => !kept.includes(file)));
    const names = (files: readonly Planned[]): string[] => files.map(({ target }) => target);
    return { files: names(plan), kept: names(kept), next: template.next };
  } catch (error) {
    throw explainSystemError(error);
  }
}

/** What a template would write, by path in the project. Throws as `renderTemplate` does. */
export function templateContents(name: string, variables: Values): ReadonlyMap<string, Buffer> {
  return contentsOf(openTemplate(templatesFolder(), name), variables);
}

function contentsOf(template: TemplateFolder, variables: Values): Map<string, Buffer> {
  const values = completeValues(template, variables);
  const files = listFiles(template, values);
  return new Map(
    files.map(({ source, target, templated }) => {
      const bytes = fs.readFileSync(source);
      return [target, templated ? Buffer.from(substitute(bytes.toString('utf8'), values, source)) : bytes];
    }),
  );
}

function makePlan(template: TemplateFolder, folder: string, variables: Values): Planned[] {
  return [...contentsOf(template, variables)].map(([target, content]) => {
    const file = path.join(folder, target);
    return { target, file, content, found: look(file, content) };
  });
}

function look(file: string, content: Buffer): Found {
  const above = nearestAbove(file);
  if (!isKind(above, 'isDirectory')) return { path: above, needed: 'a folder' };
  if (lstat(file) === undefined) return 'nothing';
  if (!isKind(file, 'isFile')) return { path: file, needed: 'a file' };
  return fs.readFileSync(file).equals(content) ? 'same' : 'other';
}

/** The innermost thing above a path that exists. */
function nearestAbove(file: string): string {
  let place = path.dirname(file);
  while (lstat(place) === undefined) place = path.dirname(place);
  return place;
}

/** Follows links; false for one that leads nowhere. */
function isKind(place: string, kind: 'isFile' | 'isDirectory'): boolean {
  return fs.statSync(place, { throwIfNoEntry: false })?.[kind]() === true;
}

function lstat(place: string): fs.Stats | undefined {
  try {
    return fs.lstatSync(place);
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

function refuseConflicts(plan: readonly Planned[], folder: string, force: boolean): void {
  const blockers = new Map(
    plan.flatMap(({ found }) => (typeof found === 'object' ? [[found.path, found.needed] as const] : [])),
  );
  if (blockers.size > 0) {
    const all = [...blockers].map(([place, needed]) => `'${place}' is not ${needed}`);
    throw new MlopsError('files_in_the_way', all.join(', '), {
      where: folder,
      hint: 'move it away or choose another folder',
      data: { files: [...blockers.keys()] },
    });
  }
  const existing = force ? [] : plan.filter(({ found }) => found === 'other').map(({ target }) => target);
  if (existing.length > 0) {
    const what = `${plural(existing.length, 'file')} would be overwritten: ${existing.join(', ')}`;
    throw new MlopsError('files_in_the_way', what, {
      where: folder,
      hint: 'choose an empty folder, or overwrite with --force',
      data: { files: existing },
    });
  }
}

function writeAll(plan: readonly Planned[]): void {
  const made: string[] = [];
  try {
    for (const { file, content, found } of plan) {
      if (found === 'same') continue;
      made.push(...makeFolders(path.dirname(file)));
      if (found === 'nothing') made.push(file);
      writeFileAtomic(file, content);
    }
  } catch (error) {
    takeBack(made);
    throw error;
  }
}

/** Makes a folder and those above it; returns the ones that were missing, outermost first. */
function makeFolders(folder: string): string[] {
  const missing: string[] = [];
  for (let place = folder; !fs.existsSync(place); place = path.dirname(place)) missing.unshift(place);
  for (const place of missing) fs.mkdirSync(place);
  return missing;
}

/** Best effort: the error that led here is the one to report. A folder in which others put something stays. */
function takeBack(made: readonly string[]): void {
  for (const place of made.toReversed()) {
    try {
      if (isKind(place, 'isDirectory')) fs.rmdirSync(place);
      else fs.rmSync(place, { force: true });
    } catch {
      continue;
    }
  }
}
