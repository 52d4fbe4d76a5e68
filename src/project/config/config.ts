import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError, keepingLineEnds, withoutTrailing, writeFileAtomic } from '../../base/index.ts';
import { configFiles, configLevels, isPathOption, resolvePaths, storedPath, type ConfigLevel } from './paths.ts';
import { namesCredentialFile, refuseFromRepository } from './credential-files.ts';
import { checkConfigSection } from './schema.ts';
import {
  configError,
  editConfigText,
  formatConfigText,
  parseConfigText,
  type ConfigSections,
  type ConfigValue,
} from './text.ts';

/** A remote as commands use it. */
export interface RemoteConfig {
  readonly name: string;
  /** Absolute path or URL; `remote://other/sub` is resolved. */
  readonly url: string;
  /** All options but `url`, those of a remote it stands on included. */
  readonly options: ReadonlyMap<string, ConfigValue>;
}

/** One change to a config file. `value` undefined removes the option. */
export interface ConfigEdit {
  /** `core`, `remote "name"`. */
  readonly section: string;
  readonly option: string;
  readonly value: ConfigValue | undefined;
  /** A path in `value` is already as the file holds it, not relative to where the user is. */
  readonly verbatim?: boolean;
  /** The whole section goes away with its last option. */
  readonly whole?: boolean;
}

/** The configuration of a project (or, outside of one, of the machine), merged from its four levels. */
export class ProjectConfig {
  readonly dvcDir: string | undefined;
  readonly files: Readonly<Partial<Record<ConfigLevel, string>>>;
  private readonly merged: ConfigSections;
  private readonly levels: readonly (readonly [ConfigLevel, ConfigSections])[];
  private readonly trusted: boolean;

  /**
   * @param options `trusted`: the file in place of the repository's is the user's own. Default false.
   * @throws MlopsError `bad_config`
   */
  constructor(dvcDir: string | undefined, options: { readonly validate?: boolean; readonly trusted?: boolean } = {}) {
    this.dvcDir = dvcDir;
    this.files = configFiles(dvcDir);
    this.trusted = options.trusted === true;
    this.levels = configLevels.map((level) => [level, this.load(level)] as const);
    this.merged = mergeSections(this.levels.map(([, sections]) => sections));
    if (options.validate !== false) validateSections(this.merged);
  }

  /** An option; paths are absolute. */
  get(section: string, option: string): ConfigValue | undefined {
    return this.merged.get(section)?.get(option);
  }

  text(section: string, option: string): string | undefined {
    const value = this.get(section, option);
    return typeof value === 'string' ? value : value?.join(',');
  }

  flag(section: string, option: string, otherwise: boolean): boolean {
    const value = this.text(section, option);
    return value === undefined ? otherwise : value.toLowerCase() === 'true';
  }

  /** Link types in the order to try; DVC's default is a reflink, else a copy. */
  get cacheTypes(): readonly string[] {
    const value = this.get('cache', 'type') ?? 'reflink,copy';
    return (typeof value === 'string' ? value.split(',') : value).map((type) => type.trim());
  }

  /** Name of the default remote. */
  get defaultRemote(): string | undefined {
    return this.text('core', 'remote')?.toLowerCase();
  }

  get remoteNames(): string[] {
    return [...this.merged.keys()].flatMap((section) => remoteName(section) ?? []);
  }

  /**
   * A remote by name, or the default one.
   *
   * @throws MlopsError `bad_config` when there is none, `untrusted_config` when the repository names files with
   * credentials for it.
   */
  remote(name?: string): RemoteConfig {
    const wanted = name?.toLowerCase() ?? this.defaultRemote;
    if (wanted === undefined) {
      throw configError(
        'no remote specified in this project. Create a default remote with\n    mlops remote add -d <remote name> <remote url>',
      );
    }
    return this.resolveRemote(wanted, new Set());
  }

  private resolveRemote(name: string, seen: ReadonlySet<string>): RemoteConfig {
    const section = this.merged.get(sectionOf(name));
    if (section === undefined || seen.has(name)) throw configError(`remote '${name}' doesn't exist`);
    const options = new Map([...section].filter(([key]) => key !== 'url'));
    this.checkCredentialFiles(name, options);
    const url = String(section.get('url'));
    const base = /^remote:\/\/([^/]+)(\/.*)?$/.exec(url);
    if (base === null) return { name, url, options };
    const other = this.resolveRemote((base[1] ?? '').toLowerCase(), new Set([...seen, name]));
    return {
      name,
      url: withoutTrailing(other.url, '/') + (base[2] ?? ''),
      options: new Map([...other.options, ...options]),
    };
  }

  private checkCredentialFiles(remote: string, options: ReadonlyMap<string, ConfigValue>): void {
    if (this.trusted) return;
    for (const [option, value] of options) {
      if (!namesCredentialFile(option)) continue;
      const level = this.levels.findLast(([, sections]) => sections.get(sectionOf(remote))?.has(option))?.[0];
      const file = level === undefined ? undefined : this.files[level];
      if (level !== undefined && file !== undefined) refuseFromRepository({ remote, option, value, level, file });
    }
  }

  /** What one level says, with absolute paths; empty when it has no file. */
  load(level: ConfigLevel): ConfigSections {
    const sections = this.loadStored(level);
    const file = this.files[level];
    if (file !== undefined) resolvePaths(sections, path.dirname(file));
    return sections;
  }

  /** As `load`, with paths as the file holds them. */
  loadStored(level: ConfigLevel): ConfigSections {
    const file = this.files[level];
    const text = file === undefined ? undefined : readText(file);
    return file === undefined || text === undefined ? new Map() : parseConfigText(text, file);
  }

  /** All levels together, or those below one. */
  loadMerged(below?: ConfigLevel): ConfigSections {
    const count = below === undefined ? configLevels.length : configLevels.indexOf(below);
    return mergeSections(configLevels.slice(0, count).map((level) => this.load(level)));
  }

  /** Path of a level's file. @throws MlopsError `bad_config` outside of a project. */
  fileOf(level: ConfigLevel): string {
    const file = this.files[level];
    if (file === undefined) throw configError('Not inside a DVC repo');
    return file;
  }

  /**
   * Changes options of one level. A file with comments keeps them and its layout; any other is written
   * anew, as DVC does. Path options are given relative to `cwd`.
   *
   * @throws MlopsError `bad_config` when the result would not be valid; nothing is written then.
   */
  edit(level: ConfigLevel, edits: readonly ConfigEdit[], cwd: string): void {
    const file = this.fileOf(level);
    const stored = edits.map((edit) => {
      const { section, option, value } = edit;
      if (edit.verbatim === true || typeof value !== 'string' || !isPathOption(section, option)) return edit;
      return { section, option, value: storedPath(value, cwd, path.dirname(file)) };
    });
    const text = readText(file) ?? '';
    const edited = keepingLineEnds(text, (plain) => editText(plain, file, stored));
    const sections = parseConfigText(edited, file);
    resolvePaths(sections, path.dirname(file));
    validateSections(mergeSections([this.loadMerged(level), sections]));
    fs.mkdirSync(path.dirname(file), { recursive: true });
    writeFileAtomic(file, edited);
  }
}

/** `remote "name"`, the section of a remote. */
export function sectionOf(remote: string): string {
  return `remote "${remote}"`;
}

/** The name in `remote "name"`, undefined for other sections. */
function remoteName(section: string): string | undefined {
  return namedSection(section)?.kind === 'remote' ? namedSection(section)?.name : undefined;
}

/** Splits `remote "name"`, `db "name"` and `machine "name"`. */
export function namedSection(section: string): { readonly kind: string; readonly name: string } | undefined {
  const match = /^\s*(remote|machine|db)\s*"(.*)"\s*$/.exec(section);
  return match === null ? undefined : { kind: match[1] ?? '', name: match[2] ?? '' };
}

function editText(text: string, file: string, edits: readonly ConfigEdit[]): string {
  if (/(?:^|[\s"'\]])#/.test(text)) {
    return edits.reduce((state, { section, option, value }) => editConfigText(state, section, option, value), text);
  }
  const sections = parseConfigText(text, file);
  for (const { section, option, value, whole } of edits) {
    const options = sections.get(section) ?? new Map<string, ConfigValue>();
    if (value === undefined) options.delete(option);
    else options.set(option, value);
    if (whole === true && options.size === 0) sections.delete(section);
    else sections.set(section, options);
  }
  return formatConfigText(inDvcOrder(sections));
}

/** Plain sections first, then remotes, machines and databases. */
function inDvcOrder(sections: ConfigSections): ConfigSections {
  const rank = (section: string): number => ['remote', 'machine', 'db'].indexOf(namedSection(section)?.kind ?? '');
  return new Map([...sections].sort(([a], [b]) => rank(a) - rank(b)));
}

function mergeSections(levels: readonly ConfigSections[]): ConfigSections {
  const merged: ConfigSections = new Map();
  for (const level of levels) {
    for (const [section, options] of level) {
      merged.set(section, new Map([...(merged.get(section) ?? []), ...options]));
    }
  }
  return merged;
}

function validateSections(sections: ConfigSections): void {
  for (const [section, options] of sections) {
    const name = namedSection(section);
    const wrong = checkConfigSection(name?.kind ?? section, name?.name, options);
    if (wrong !== undefined) throw configError(wrong.message, undefined, wrong.hint);
  }
}

function readText(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return undefined;
    throw error;
  }
}
