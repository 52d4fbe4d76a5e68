import * as fs from 'node:fs';
import * as path from 'node:path';

import type { OnProgress } from '../../base/index.ts';
import type { OutputPlaces } from '../../trust/index.ts';
import { CompleteFolders } from '../index/complete-folders.ts';
import type { HashName } from '../ids/content.ts';
import { rememberFiles } from '../index/remember-files.ts';
import { listObjects, objectPath } from '../ids/layout.ts';
import { chooseLinkType, type LinkType } from '../jobs/links.ts';
import { RecordCache } from '../index/record-cache.ts';
import { openSeed, type Seed } from '../index/seed.ts';
import { openStatIndex, type StatIndex } from '../index/stat-index.ts';
import { Spares } from '../jobs/spares.ts';
import { VerifiedObjects } from '../index/verified-objects.ts';
import type { IgnoreRule } from '../index/walk.ts';
import { YoungFiles } from '../index/young-files.ts';

export interface DataSettings {
  /** Absolute path of the project. */
  readonly root: string;
  /** Absolute path of the cache (`.dvc/cache` unless configured). */
  readonly cacheDir: string;
  /** Absolute path of the private folder (`.mlops`) that holds the stat index. */
  readonly stateDir: string;
  /** In the order to try; DVC's default is reflink, copy. */
  readonly linkTypes: readonly LinkType[];
  /** A cache shared by a group: its folders are writable by the group, and new ones belong to it. */
  readonly shared: boolean;
  readonly ignored: IgnoreRule;
  /** Where outputs of this project may lie; undefined where it is not a project's outputs that are written. */
  readonly places?: OutputPlaces | undefined;
  /** Where DVC keeps the state of its projects, when it is configured (`core.site_cache_dir`). */
  readonly siteDir?: string | undefined;
}

/** What data operations work on: one project's cache, index and rules, for the time of a command. */
export interface DataContext extends DataSettings {
  readonly index: StatIndex;
  /** Directories whose files are all in the cache. */
  readonly complete: CompleteFolders;
  /** Objects that need not be hashed again. */
  readonly verified: VerifiedObjects;
  /** Copies of large objects, ready to be moved into the workspace. */
  readonly spares: Spares;
  /** The index asked about single files. */
  readonly records: RecordCache;
  /** Files that are too young for the index; they get into it when the context closes. */
  readonly young: YoungFiles;
  /** Permission bits of new objects. */
  readonly objectMode: number;
  /** The link type that works here, probed once and remembered. */
  linkType(): LinkType;
  /** All objects of the cache, listed once until `forgetObjects`. */
  objects(hashName: HashName): ReadonlySet<string>;
  hasObject(md5: string, hashName: HashName): boolean;
  /** A digest known without reading, in a project that this index has never seen. */
  readonly seed: Seed | undefined;
  /** Forgets the listing, when something else may have changed the cache. */
  forgetObjects(): void;
  /** Writes what was learnt to the index. Call it at the end, also after a failure. */
  close(): void;
}

/** The same project's data where no output lies: a folder of our own, which the rules for places do not know. */
export function withoutPlaces<Settings extends DataSettings>(settings: Settings): Settings {
  return { ...settings, places: undefined };
}

/** Folders that this command made in a group's cache get DVC's mode for them; those of others are theirs. */
function shareFolders(cacheDir: string): void {
  const base = path.join(cacheDir, 'files/md5');
  const pairs = fs.existsSync(base) ? fs.readdirSync(base).map((name) => path.join(base, name)) : [];
  for (const folder of [cacheDir, path.dirname(base), base, ...pairs]) {
    const stat = fs.statSync(folder, { throwIfNoEntry: false });
    if (stat?.isDirectory() !== true || (stat.mode & 0o7777) === 0o2775 || stat.uid !== process.getuid?.()) continue;
    fs.chmodSync(folder, 0o2775);
  }
}

/** What long data work takes. */
export interface WorkOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

export function openData(settings: DataSettings): DataContext {
  const index = openStatIndex(settings.stateDir, settings.root);
  const listings = new Map<HashName, Set<string>>();
  let linkType: LinkType | undefined;
  let seed: { readonly seed: Seed | undefined } | undefined;
  const context: DataContext = {
    ...settings,
    root: path.resolve(settings.root),
    index,
    complete: new CompleteFolders(settings.cacheDir, index),
    verified: new VerifiedObjects(settings.cacheDir, index),
    spares: new Spares(settings.stateDir),
    records: new RecordCache(index),
    young: new YoungFiles(),
    objectMode: 0o444,
    linkType: () => (linkType ??= chooseLinkType(settings, index)),
    objects(hashName) {
      let ids = listings.get(hashName);
      if (ids !== undefined) return ids;
      context.complete.look(hashName);
      listings.set(hashName, (ids = listObjects(settings.cacheDir, hashName)));
      return ids;
    },
    hasObject: (md5, hashName) => fs.existsSync(objectPath(settings.cacheDir, md5, hashName)),
    get seed() {
      // Asked before anything is put in: later, the index itself knows.
      return (seed ??= { seed: index.isEmpty() ? openSeed(settings) : undefined }).seed;
    },
    forgetObjects() {
      listings.clear();
      context.complete.forget();
    },
    close() {
      for (const [hashName, files] of context.young.settled()) rememberFiles(context, hashName, files);
      context.spares.clear();
      index.flush();
      index.close();
      if (settings.shared) shareFolders(settings.cacheDir);
    },
  };
  return context;
}
