import { didYouMean } from '../../base/index.ts';
import { type SettingField, type SettingKind, unread } from './place.ts';

export interface FieldOptions<Value> {
  readonly about: string;
  /** The value where the key is absent. */
  readonly fallback?: Value | undefined;
}

export type Fields = Readonly<Record<string, SettingField>>;

type FieldValue<Field> = Field extends {
  readonly kind: SettingKind<infer Value>;
  readonly needed: infer Needed;
}
  ? Needed extends true
    ? Value
    : Field extends { readonly fallback: infer Fallback }
      ? undefined extends Fallback
        ? Value | undefined
        : Value
      : Value | undefined
  : never;

export type FieldsValue<Given extends Fields> = { readonly [Key in keyof Given]: FieldValue<Given[Key]> };

/** A mapping with these keys and no others; an absent file or value is an empty mapping. */
export function fieldsKind<const Given extends Fields>(given: Given): SettingKind<FieldsValue<Given>> {
  const keys = new Map<string, SettingField>(Object.entries(given));
  return {
    words: 'a mapping',
    keys,
    read(value, at) {
      const map = value ?? new Map();
      if (!(map instanceof Map)) return at.wrong('a mapping', value);
      let whole = true;
      for (const key of map.keys()) {
        if (typeof key === 'string' && keys.has(key)) continue;
        whole = false;
        at.step(String(key)).problem(`unknown key`, unknownHint(String(key), [...keys.keys()]));
      }
      const entries: [string, unknown][] = [];
      for (const [key, field] of keys) {
        if (!map.has(key)) {
          if (field.needed) at.problem(`'${key}' is missing`, `${key}: ${field.kind.words}`);
          whole &&= !field.needed;
          entries.push([key, field.fallback]);
          continue;
        }
        const found = field.kind.read(map.get(key) ?? null, at.step(key));
        whole &&= found !== unread;
        entries.push([key, found]);
      }
      return whole ? (Object.fromEntries(entries) as FieldsValue<Given>) : unread;
    },
  };
}

function unknownHint(key: string, known: readonly string[]): string {
  if (known.includes(`${key}_env`)) return `secrets stay out of files: name an environment variable in ${key}_env`;
  return didYouMean(key, known) ?? `known keys: ${known.join(', ')}`;
}
