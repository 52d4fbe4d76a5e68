import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import { dataPathFault, writeFileAtomic } from '../../base/index.ts';
import { runGit } from '../../git/index.ts';
import { templateContents } from '../../scaffold/index.ts';
import { blobId, readRecord, recordFile, writeRecord, type TemplateRecord } from './template-record.ts';
import { withTemplate } from './template-source.ts';

/** What became of a file that the template changed. */
export type Update =
  | { readonly file: string; readonly what: 'added' | 'replaced' | 'merged' | 'removed' }
  /** Both sides changed the same lines: they stand in the file, marked as Git marks them. */
  | { readonly file: string; readonly what: 'conflict' }
  /** The template has it no more, or the project threw it away, and the other side changed it: it stays as it is. */
  | { readonly file: string; readonly what: 'kept' };

export interface UpdateOptions {
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal | undefined;
}

interface Change {
  readonly update: Update;
  /** New bytes; undefined removes the file; absent leaves it. */
  readonly write?: { readonly bytes: Buffer | undefined };
}

/**
 * Brings a project to the state of its template now: what only the template changed is taken over, what only the
 * project changed stays, what both changed is merged by lines against what the template once wrote (`git merge-file`).
 *
 * @throws MlopsError `bad_project_template`, `unknown_project_template`, `git_failed`.
 */
export async function updateProject(root: string, options: UpdateOptions = {}): Promise<Update[]> {
  const record = readRecord(root);
  return withTemplate(record.template, root, options.signal, (template) => {
    const contents = templateContents(template, record.values);
    const names = [...new Set([...contents.keys(), ...Object.keys(record.files)])].sort();
    const changes = names.flatMap((file) =>
      file === recordFile || dataPathFault(file) !== undefined ? [] : changeOf(root, file, record, contents.get(file)),
    );
    if (options.dryRun !== true) {
      for (const { update, write } of changes) if (write !== undefined) put(path.join(root, update.file), write.bytes);
      writeRecord(root, record.template, record.values, contents);
    }
    return changes.map(({ update }) => update);
  });
}

function changeOf(root: string, file: string, record: TemplateRecord, theirs: Buffer | undefined): Change[] {
  const place = path.join(root, file);
  // Through a link a merge would write outside of the project.
  if (fs.lstatSync(place, { throwIfNoEntry: false })?.isFile() === false) return [{ update: { file, what: 'kept' } }];
  const ours = fs.existsSync(place) ? fs.readFileSync(place) : undefined;
  const base = record.files[file];
  if (theirs === undefined) {
    if (ours === undefined) return [];
    if (blobId(ours) !== base) return [{ update: { file, what: 'kept' } }];
    return [{ update: { file, what: 'removed' }, write: { bytes: undefined } }];
  }
  if (blobId(theirs) === base || ours?.equals(theirs) === true) return [];
  if (ours === undefined) {
    if (base !== undefined) return [{ update: { file, what: 'kept' } }];
    return [{ update: { file, what: 'added' }, write: { bytes: theirs } }];
  }
  if (blobId(ours) === base) return [{ update: { file, what: 'replaced' }, write: { bytes: theirs } }];
  const merged = merge(root, ours, base === undefined ? undefined : blob(root, base), theirs);
  return [{ update: { file, what: merged.clean ? 'merged' : 'conflict' }, write: { bytes: merged.bytes } }];
}

/** What the template wrote once, undefined where Git does not have it (nothing was committed, or a shallow clone). */
function blob(root: string, id: string): Buffer | undefined {
  if (!/^[0-9a-f]{40}$/.test(id)) return undefined;
  const { status, stdout } = runGit(root, ['cat-file', 'blob', id], { accept: [0, 1, 128] });
  return status === 0 ? stdout : undefined;
}

function merge(
  root: string,
  ours: Buffer,
  base: Buffer | undefined,
  theirs: Buffer,
): { readonly clean: boolean; readonly bytes: Buffer } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-merge-'));
  try {
    const sides = { project: ours, before: base ?? Buffer.alloc(0), template: theirs };
    for (const [name, bytes] of Object.entries(sides)) fs.writeFileSync(path.join(folder, name), bytes);
    const files = Object.keys(sides).map((name) => path.join(folder, name));
    const labels = ['-L', 'yours', '-L', 'before', '-L', 'template'];
    // Its status is the number of conflicts, at most 127.
    const accept = Array.from({ length: 128 }, (_, count) => count);
    const { status, stdout } = runGit(root, ['merge-file', '-p', ...labels, ...files], { accept });
    return { clean: status === 0, bytes: stdout };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function put(file: string, bytes: Buffer | undefined): void {
  if (bytes === undefined) return fs.rmSync(file);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  writeFileAtomic(file, bytes);
}
