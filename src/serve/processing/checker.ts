import { MlopsError } from '../../base/index.ts';

export type Fields = Record<string, unknown>;

/** Checks values of the file, naming their place in messages. */
export class Checker {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  problem(path: string, expected: string, got: unknown): MlopsError {
    const text = got === undefined ? 'nothing' : JSON.stringify(got).slice(0, 80);
    return new MlopsError('bad_config', `'${this.#file}' ${path}: expected ${expected}, got ${text}`, {
      hint: 'docs/serving.md describes serving.yaml',
    });
  }

  fields(value: unknown, path: string, known: readonly string[]): Fields {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.problem(path, 'a mapping', value);
    const strange = Object.keys(value).find((key) => !known.includes(key));
    if (strange !== undefined)
      throw this.problem(path === '' ? strange : `${path}.${strange}`, `only ${known.join(', ')}`, strange);
    return value as Fields;
  }

  optionalBoolean(value: unknown, path: string): boolean | undefined {
    if (value === undefined || typeof value === 'boolean') return value;
    throw this.problem(path, 'true or false', value);
  }

  list(value: unknown, path: string): unknown[] {
    if (!Array.isArray(value)) throw this.problem(path, 'a list', value);
    return value;
  }

  text(value: unknown, path: string): string {
    if (typeof value !== 'string' || value === '') throw this.problem(path, 'a text', value);
    return value;
  }

  optionalText(value: unknown, path: string): string | undefined {
    return value === undefined ? undefined : this.text(value, path);
  }

  /** The name of a file beside serving.yaml. */
  optionalFile(value: unknown, path: string): string | undefined {
    const name = this.optionalText(value, path);
    if (name !== undefined && hasSlash(name)) throw this.problem(path, 'a file beside serving.yaml', name);
    return name;
  }

  /** Labels as a list, or the name of a file beside serving.yaml. */
  labels(value: unknown, path: string): { labels: string[] | undefined; labelsFile: string | undefined } {
    if (typeof value !== 'string') return { labels: this.optionalTexts(value, path), labelsFile: undefined };
    if (value === '' || hasSlash(value)) throw this.problem(path, 'a list, or a file beside serving.yaml', value);
    return { labels: undefined, labelsFile: value };
  }

  optionalNumber(value: unknown, path: string): number | undefined {
    if (value === undefined) return undefined;
    if (typeof value !== 'number') throw this.problem(path, 'a number', value);
    return value;
  }

  optionalTexts(value: unknown, path: string): string[] | undefined {
    return value === undefined ? undefined : this.list(value, path).map(String);
  }

  choice<Value extends string>(value: unknown, path: string, choices: readonly Value[]): Value {
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw this.problem(path, choices.join(' or '), value);
    return found;
  }
}

function hasSlash(name: string): boolean {
  return /[\\/]/.test(name);
}
