import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import {
  configError,
  configLevels,
  findProjectRoot,
  namedSection,
  ProjectConfig,
  sectionOf,
  type ConfigLevel,
  type ConfigValue,
} from '../../project/index.ts';

/** Configuration around a directory; outside of a project only that of the user and the machine. */
export interface ConfigPlace {
  readonly cwd: string;
  readonly root: string | undefined;
  readonly config: ProjectConfig;
}

/** What `core.remote` or `remote.NAME.url` names. */
export interface OptionName {
  readonly section: string;
  readonly option: string;
  /** `remote` or `db`, with `name` being theirs. */
  readonly kind: string | undefined;
  readonly name: string;
}

/** A value with the file it is from. */
export interface FoundOption {
  readonly key: string;
  readonly value: string;
  /** As `--show-origin` shows it. */
  readonly origin: string;
}

/** Opens the config files without judging them, so that a broken option can be repaired. */
export function openConfig(cwd: string): ConfigPlace {
  let root: string | undefined;
  try {
    root = findProjectRoot(cwd);
  } catch (error) {
    if (!(error instanceof MlopsError) || error.code !== 'not_a_project') throw error;
  }
  const dvcDir = root === undefined ? undefined : path.join(root, '.dvc');
  return { cwd, root, config: new ProjectConfig(dvcDir, { validate: false }) };
}

/** Splits `section.option`, `remote.NAME.option` and `db.NAME.option`. @throws MlopsError `usage`. */
export function parseOptionName(text: string): OptionName {
  const match = /^(?:(remote|db)\.)?([^.]*)\.([^.]*)$/.exec(text);
  if (match === null) {
    throw new MlopsError(
      'usage',
      'argument name: name argument should look like remote.name.option or db.name.option or section.option',
    );
  }
  const kind = match[1];
  const name = (match[2] ?? '').toLowerCase();
  const section = kind === undefined ? name : `${kind} "${name}"`;
  return { section, option: (match[3] ?? '').toLowerCase(), kind, name };
}

/** All options of one level, or of all from the lowest to the highest. */
export function listConfig(place: ConfigPlace, level?: ConfigLevel): FoundOption[] {
  return levelsOf(place, level).flatMap((each) => {
    const sections = [...place.config.load(each)];
    // Remotes, machines and databases come first, as in DVC's own order.
    const rank = (section: string): number => {
      const index = ['remote', 'machine', 'db'].indexOf(namedSection(section)?.kind ?? '');
      return index < 0 ? 3 : index;
    };
    return sections
      .sort(([a], [b]) => rank(a) - rank(b))
      .flatMap(([section, options]) =>
        [...options].map(([option, value]) => ({
          key: `${dotted(section)}.${option}`,
          value: shown(value),
          origin: origin(place, each),
        })),
      );
  });
}

/**
 * The value of an option: of the level asked for, else of the highest that has it.
 *
 * @throws MlopsError `bad_config` when that level does not have it.
 */
export function getConfig(place: ConfigPlace, option: OptionName, level?: ConfigLevel): FoundOption | undefined {
  for (const each of levelsOf(place, level).reverse()) {
    const value = place.config.load(each).get(option.section)?.get(option.option);
    if (value !== undefined) {
      return { key: `${dotted(option.section)}.${option.option}`, value: shown(value), origin: origin(place, each) };
    }
  }
  if (level !== undefined) throw missing(place, option, level);
  return undefined;
}

/** Sets an option, or removes it (`undefined`). @throws MlopsError `bad_config`; nothing is written then. */
export function setConfig(
  place: ConfigPlace,
  option: OptionName,
  value: string | undefined,
  level: ConfigLevel = 'repo',
): void {
  place.config.fileOf(level);
  const whole =
    option.kind === undefined ? place.config.load(level).get(`${option.section} "${option.option}"`) : undefined;
  if (value === undefined && whole !== undefined) {
    // `-u remote.NAME` removes all of it.
    const section = `${option.section} "${option.option}"`;
    const edits = ['url', ...whole.keys()].map((each) => ({ section, option: each, value: undefined, whole: true }));
    place.config.edit(level, edits, place.cwd);
    return;
  }
  const known = place.config.load(level).get(option.section)?.has(option.option) === true;
  if (value === undefined && !known) throw missing(place, option, level);
  if (value === undefined && option.kind === 'remote') requireUrlWithout(place, option.name, option.option, level);
  place.config.edit(level, [{ section: option.section, option: option.option, value }], place.cwd);
}

/** A remote from which one option is taken must still have a URL. @throws MlopsError `bad_config`. */
export function requireUrlWithout(place: ConfigPlace, name: string, option: string, level: ConfigLevel): void {
  const levels = configLevels.slice(0, configLevels.indexOf(level) + (option === 'url' ? 0 : 1));
  if (levels.some((each) => place.config.load(each).get(sectionOf(name))?.has('url') === true)) return;
  throw configError(`expected 'url' for dictionary value @ data['remote']['${name}']`);
}

function missing(place: ConfigPlace, option: OptionName, level: ConfigLevel): MlopsError {
  const kind = option.kind ?? 'section';
  const known = place.config.load(level).has(option.section) || plainSections.has(option.section);
  if (!known) return configError(`${kind} '${option.name}' doesn't exist`);
  return configError(`option '${option.option}' doesn't exist in ${kind} '${option.name}'`);
}

const plainSections: ReadonlySet<string> = new Set(
  'core cache remote state index machine feature plots exp parsing hydra studio db'.split(' '),
);

function levelsOf(place: ConfigPlace, level: ConfigLevel | undefined): ConfigLevel[] {
  if (level !== undefined) {
    place.config.fileOf(level);
    return [level];
  }
  return configLevels.filter((each) => place.config.files[each] !== undefined);
}

function origin(place: ConfigPlace, level: ConfigLevel): string {
  const file = place.config.fileOf(level);
  return level === 'repo' || level === 'local' ? path.relative(place.root ?? '', file) : file;
}

function dotted(section: string): string {
  const named = namedSection(section);
  return named === undefined ? section : `${named.kind}.${named.name}`;
}

/** Lists as Python prints them. */
function shown(value: ConfigValue): string {
  return typeof value === 'string' ? value : `[${value.map((item) => `'${item}'`).join(', ')}]`;
}
