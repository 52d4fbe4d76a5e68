/** The tokenizer of Keras, as `tokenizer.to_json()` writes it. */
export interface KerasTokenizer {
  /** The numbers of the words of a text, as `texts_to_sequences` gives them. */
  readonly encode: (text: string) => number[];
  /** The number that stands for unknown words, where there is one. */
  readonly unknownId: number | undefined;
}

interface KerasConfig {
  readonly num_words?: number | null;
  readonly filters?: string | readonly string[];
  readonly lower?: boolean;
  readonly split?: string;
  readonly char_level?: boolean;
  readonly oov_token?: string | null;
  readonly word_index?: string | Readonly<Record<string, number>>;
}

/** Reads a `tokenizer_config.json` of Keras, also one that was written as a JSON string; undefined for another file. */
export function kerasTokenizer(value: unknown): KerasTokenizer | undefined {
  const json: unknown = typeof value === 'string' ? JSON.parse(value) : value;
  const { class_name: name, config } = (json ?? {}) as { class_name?: unknown; config?: KerasConfig };
  if (name !== 'Tokenizer' || config?.word_index === undefined) return undefined;
  const { filters = '', lower = true, split = ' ', char_level: chars = false } = config;
  const given = typeof config.word_index === 'string' ? (JSON.parse(config.word_index) as object) : config.word_index;
  // `if num_words and i >= num_words` in Keras: 0 is no limit.
  const limit = config.num_words ? config.num_words : Infinity;
  const index = new Map(Object.entries(given as Record<string, number>));
  const unknownId = index.get(config.oov_token ?? '');
  const filtered = new Set(filters);
  const wordsOf = (text: string): string[] => {
    const cased = lower ? text.toLowerCase() : text;
    if (chars) return [...cased];
    const kept = Array.from(cased, (one) => (filtered.has(one) ? split : one)).join('');
    return kept.split(split).filter((word) => word !== '');
  };
  const idOf = (word: string): number | undefined => {
    const id = index.get(word);
    return id === undefined || id >= limit ? unknownId : id;
  };
  return { unknownId, encode: (text) => wordsOf(text).flatMap((word) => idOf(word) ?? []) };
}

export interface Sides {
  readonly pad: 'pre' | 'post';
  readonly truncate: 'pre' | 'post';
}

/** A sequence in a given width, cut and filled with zeros as `pad_sequences` does. */
export function padSequence(ids: readonly number[], width: number, { pad, truncate }: Sides): number[] {
  const kept = ids.length <= width ? ids : truncate === 'pre' ? ids.slice(ids.length - width) : ids.slice(0, width);
  const zeros = Array.from({ length: width - kept.length }, () => 0);
  return pad === 'pre' ? [...zeros, ...kept] : [...kept, ...zeros];
}
