import { didYouMean, MlopsError, type ErrorCode } from '../base/index.ts';

/** The data as a mapping. */
export function object(data: unknown, what: string, code: ErrorCode = 'tune_space'): Readonly<Record<string, unknown>> {
  if (typeof data === 'object' && data !== null && !Array.isArray(data)) return data as Record<string, unknown>;
  throw new MlopsError(code, `'${what}' must be a mapping`);
}

/** Refuses keys that are not known, with the one that was probably meant. */
export function only(fields: Readonly<Record<string, unknown>>, known: readonly string[], what: string): void {
  for (const key of Object.keys(fields)) {
    if (known.includes(key)) continue;
    throw new MlopsError('tune_space', `'${what}' has no key '${key}'; known are ${known.join(', ')}`, {
      hint: didYouMean(key, known),
    });
  }
}
