import {
  configError,
  configLevels,
  sectionOf,
  type ConfigEdit,
  type ConfigLevel,
  type ConfigValue,
} from '../../project/index.ts';
import { requireUrlWithout, type ConfigPlace } from './config.ts';

export interface ListedRemote {
  readonly name: string;
  readonly url: string;
  readonly isDefault: boolean;
}

/** The remotes of one level, or of all together. */
export function listRemotes(place: ConfigPlace, level?: ConfigLevel): ListedRemote[] {
  const sections = level === undefined ? place.config.loadMerged() : place.config.load(level);
  const standard = sections.get('core')?.get('remote');
  return [...sections].flatMap(([section, options]) => {
    const name = /^remote "(.*)"$/.exec(section)?.[1];
    return name === undefined ? [] : [{ name, url: String(options.get('url') ?? ''), isDefault: name === standard }];
  });
}

/** Adds a remote, or replaces it with all its options. @throws MlopsError `bad_config`. */
export function addRemote(
  place: ConfigPlace,
  given: string,
  url: string,
  options: { readonly isDefault?: boolean; readonly force?: boolean; readonly level?: ConfigLevel | undefined } = {},
): void {
  const { level = 'repo' } = options;
  const name = given.toLowerCase();
  const old = place.config.load(level).get(sectionOf(name));
  if (old !== undefined && options.force !== true) {
    throw configError(`remote '${name}' already exists. Use \`-f|--force\` to overwrite it.`);
  }
  const edits: ConfigEdit[] = [...(old?.keys() ?? [])]
    .filter((option) => option !== 'url')
    .map((option) => ({ section: sectionOf(name), option, value: undefined }));
  edits.push({ section: sectionOf(name), option: 'url', value: url });
  if (options.isDefault === true) edits.push({ section: 'core', option: 'remote', value: name });
  place.config.edit(level, edits, place.cwd);
}

/** Sets or removes (`undefined`) an option of a remote. @throws MlopsError `bad_config`. */
export function modifyRemote(
  place: ConfigPlace,
  given: string,
  option: string,
  value: string | undefined,
  givenLevel?: ConfigLevel,
): void {
  const level = givenLevel ?? 'repo';
  const section = sectionOf(given.toLowerCase());
  // Without a level, one that is known above that of the project will do, as with DVC.
  const known = place.config.load(level).has(section) || place.config.loadMerged(givenLevel).has(section);
  if (!known) throw doesNotExist(given);
  if (value === undefined) requireUrlWithout(place, given.toLowerCase(), option.toLowerCase(), level);
  place.config.edit(level, [{ section, option: option.toLowerCase(), value }], place.cwd);
}

/** The default remote, undefined when none is set. */
export function defaultRemote(place: ConfigPlace, level?: ConfigLevel): string | undefined {
  const sections = level === undefined ? place.config.loadMerged() : place.config.load(level);
  const value = sections.get('core')?.get('remote');
  return value === undefined ? undefined : String(value);
}

/** Sets the default remote, or unsets it (`undefined`). @throws MlopsError `bad_config` for an unknown one. */
export function setDefaultRemote(place: ConfigPlace, given: string | undefined, givenLevel?: ConfigLevel): void {
  const level = givenLevel ?? 'repo';
  const name = given?.toLowerCase();
  if (name !== undefined) {
    const section = sectionOf(name);
    const known = place.config.load(level).has(section) || place.config.loadMerged(givenLevel).has(section);
    if (!known) throw configError('default remote must be present in remote list.');
  }
  place.config.edit(level, [{ section: 'core', option: 'remote', value: name }], place.cwd);
}

/** Removes a remote, and what calls it the default in this level and those above. */
export function removeRemote(place: ConfigPlace, given: string, level: ConfigLevel = 'repo'): void {
  const name = given.toLowerCase();
  const options = place.config.load(level).get(sectionOf(name));
  if (options === undefined) throw doesNotExist(given);
  place.config.edit(level, removal(name, options), place.cwd);
  for (const each of [...levelsAbove(level), level]) {
    place.config.edit(each, defaultEdit(place, name, undefined, each), place.cwd);
  }
}

/** Renames a remote, and follows it in what calls it the default. */
export function renameRemote(place: ConfigPlace, given: string, to: string, level: ConfigLevel = 'repo'): void {
  const name = given.toLowerCase();
  if (place.config.loadMerged().has(sectionOf(to))) {
    throw configError(`Rename failed. Remote name '${to}' already exists.`);
  }
  const options = place.config.loadStored(level).get(sectionOf(name));
  if (options === undefined) throw doesNotExist(given);
  const copies = [...options].map(([option, value]) => ({ section: sectionOf(to), option, value, verbatim: true }));
  place.config.edit(level, [...copies, ...removal(name, options), ...defaultEdit(place, name, to, level)], place.cwd);
  for (const each of levelsAbove(level)) place.config.edit(each, defaultEdit(place, name, to, each), place.cwd);
}

function removal(name: string, options: ReadonlyMap<string, ConfigValue>): ConfigEdit[] {
  return ['url', ...options.keys()].map((option) => ({
    section: sectionOf(name),
    option,
    value: undefined,
    whole: true,
  }));
}

/** The edit of a level that calls a remote the default. */
function defaultEdit(place: ConfigPlace, name: string, to: string | undefined, level: ConfigLevel): ConfigEdit[] {
  const isDefault = place.config.load(level).get('core')?.get('remote') === name;
  return isDefault ? [{ section: 'core', option: 'remote', value: to }] : [];
}

/** The levels that outrank one, the highest first. As with DVC their files are there afterwards, if empty. */
function levelsAbove(level: ConfigLevel): ConfigLevel[] {
  return configLevels.slice(configLevels.indexOf(level) + 1).reverse();
}

function doesNotExist(name: string): Error {
  return configError(`remote '${name.toLowerCase()}' doesn't exist.`);
}
