import { isMlopsError, MlopsError, plural, type ErrorCode, type PyValue } from '../../base/index.ts';
import { parseYaml, parseYamlWithPositions } from '../yaml/read.ts';
import { Place, unread, type SettingKind, type SettingProblem } from './place.ts';

export interface SettingsFile {
  /** As messages name it. */
  readonly file: string;
  readonly text: string;
  /** Where its keys are described: `docs/gates.md`. */
  readonly docs?: string | undefined;
  /** Code of the error. Default `bad_settings`, of exit status 2. */
  readonly code?: ErrorCode | undefined;
}

/** Problems that a message lists. */
const most = 10;

/**
 * Reads a settings file of ours.
 * @throws MlopsError `bad_settings` that names file, line and key of all that is wrong: YAML that cannot be read,
 * unknown keys, wrong types, values out of range.
 */
export function parseSettings<Value>(source: SettingsFile, kind: SettingKind<Value>): Value {
  const { file, text, code = 'bad_settings' } = source;
  const problems: SettingProblem[] = [];
  const value = kind.read(parsed(source, code), new Place(problems));
  if (value !== unread) return value;
  const { lineOf } = parseYamlWithPositions(text, file);
  const told = problems.map((problem) => {
    const line = lineOfNearest(problem.path, lineOf);
    return { ...problem, line, text: `${file}${line === undefined ? '' : `:${line}`}: ${sentence(problem)}` };
  });
  const [first] = told;
  const single = told.length === 1;
  const lines = told
    .slice(0, most)
    .map((problem) => (single || problem.hint === undefined ? problem.text : `${problem.text} (${problem.hint})`));
  if (told.length > most) lines.push(`and ${plural(told.length - most, 'problem')} more`);
  throw new MlopsError(code, lines.join('\n'), {
    hint:
      (single ? first?.hint : undefined) ??
      (source.docs === undefined ? undefined : `${source.docs} describes the keys`),
    data: {
      file,
      line: first?.line,
      problems: told.map(({ line, path, message }) => ({ line, key: dotted(path), message })),
    },
  });
}

function parsed({ file, text }: SettingsFile, code: ErrorCode): PyValue {
  try {
    return parseYaml(text, file);
  } catch (error) {
    if (!isMlopsError(error, 'bad_yaml') || code !== 'bad_settings') throw error;
    throw new MlopsError(code, error.message, { hint: error.hint, data: error.data, cause: error });
  }
}

function sentence({ path, message }: SettingProblem): string {
  const key = dotted(path);
  if (message !== 'unknown key') return key === '' ? message : `${key}: ${message}`;
  const owner = dotted(path.slice(0, -1));
  return `unknown key '${String(path.at(-1))}'${owner === '' ? '' : ` in ${owner}`}`;
}

/** `models.iris.rules[2].name` */
function dotted(path: readonly (string | number)[]): string {
  let out = '';
  for (const step of path) {
    if (typeof step === 'number') out += `[${step}]`;
    else out += out === '' ? step : `.${step}`;
  }
  return out;
}

/** What an alias or a merge brought has no place of its own: the place of what holds it. */
function lineOfNearest(
  path: readonly (string | number)[],
  lineOf: (path: readonly unknown[]) => number | undefined,
): number | undefined {
  for (let rest = path; rest.length > 0; rest = rest.slice(0, -1)) {
    const line = lineOf(rest);
    if (line !== undefined) return line;
  }
  return lineOf([]);
}
