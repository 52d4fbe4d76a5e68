import type { SettingKind } from './place.ts';

/** A key of a settings file, for its documentation. */
export interface SettingRow {
  /** Where it stands: `models.NAME.window`. */
  readonly key: string;
  /** What it takes: `a number from 0 to 1`. */
  readonly takes: string;
  /** Absent for what must be given, and where nothing stands for an absent key. */
  readonly fallback?: unknown;
  readonly needed: boolean;
  readonly about: string;
}

/** All keys that a kind knows, from the top, in the order of the schema. */
export function describeSettings(kind: SettingKind<unknown>, prefix = ''): SettingRow[] {
  if (kind.inside !== undefined) {
    return describeSettings(kind.inside, kind.name === undefined ? `${prefix}[]` : join(prefix, kind.name));
  }
  if (kind.variants !== undefined) {
    return [...kind.variants].flatMap(([name, one]) => describeSettings(one, `${prefix}(${name})`));
  }
  return [...(kind.keys ?? [])].flatMap(([name, field]) => {
    const key = join(prefix, name);
    if (field.about === '') return [];
    const { fallback, needed, about } = field;
    return [
      { key, takes: field.kind.words, needed, about, ...(fallback === undefined ? {} : { fallback }) },
      ...describeSettings(field.kind, key),
    ];
  });
}

function join(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}.${name}`;
}
