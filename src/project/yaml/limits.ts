/**
 * Bounds of what a file of somebody else may ask for; DVC ends at Python's recursion limit, and on aliases that multiply
 * not at all.
 */
export const limits = {
  /** Levels of mappings and lists in each other, in every format. */
  depth: 500,
  /** Values that aliases of one YAML file may stand for, all together. */
  aliased: 1_000_000,
  /** Characters of a YAML text for the full parser, which reads about a million a second. Plain ones may be longer. */
  text: 4_000_000,
  /** Digits of an integer, as in Python. */
  digits: 4300,
} as const;

/** Whether an error is what a recursion that is too deep ends in. */
export function isTooDeep(error: unknown): boolean {
  return error instanceof RangeError && /call stack/i.test(error.message);
}
