import type { ColumnSchema } from '../schema.ts';
import { isCleanText } from './encoding.ts';
import { compilePattern } from './pattern.ts';
import { hasPureWords, scriptJudge } from './script.ts';

/** What is asked of a text as such. */
export interface TextJudge {
  readonly name: 'regex' | 'script' | 'mixed_scripts' | 'encoding';
  /** For people: `like ^A`. */
  readonly expected: string;
  holds(text: string): boolean;
}

/** @throws MlopsError `bad_settings` for an expression or a script that is unknown. */
export async function textJudges(spec: ColumnSchema, column: string): Promise<TextJudge[]> {
  const { regex, script, mixed_scripts: mixed, encoding } = spec;
  const judges: TextJudge[] = [];
  if (regex !== undefined) {
    judges.push({ name: 'regex', expected: `like ${regex}`, holds: await compilePattern(regex, column) });
  }
  if (script !== undefined) {
    const names = typeof script === 'string' ? [script] : script;
    judges.push({ name: 'script', expected: `letters of ${names.join(', ')}`, holds: scriptJudge(names, column) });
  }
  if (mixed === false) {
    judges.push({ name: 'mixed_scripts', expected: 'no word of several scripts', holds: hasPureWords });
  }
  if (encoding !== undefined) {
    judges.push({ name: 'encoding', expected: 'no trace of a wrong encoding', holds: isCleanText });
  }
  return judges;
}
