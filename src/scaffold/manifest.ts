import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError, messageOf, MlopsError } from '../base/index.ts';

/** What `template.json` says about a template. */
export interface Template {
  readonly name: string;
  /** One line, for a list. */
  readonly summary: string;
  readonly description: string;
  /** Languages that its code can be had in, the first as the default; empty where there is no choice. */
  readonly languages: readonly string[];
  /** Commands to type next, in the new folder. */
  readonly next: readonly string[];
}

/** A template with all that is needed to copy it. */
export interface TemplateFolder extends Template {
  readonly folder: string;
  /** Counts on when the template changes, for people; `init --update` compares files. */
  readonly version: number;
  /** Values of its own variables where nothing else is said. */
  readonly variables: Readonly<Record<string, string>>;
  /** What is copied, in this order: a file of a later layer replaces one of an earlier. */
  readonly layers: readonly Layer[];
  /** Files in which variables are replaced, by the path they get in the project. */
  readonly templated: readonly string[];
}

/** A folder of files: of the template (`from`), or one that all templates may use (`part`). */
export interface Layer {
  readonly from?: string;
  readonly part?: string;
  /** Folder of the project that it goes to; its top where nothing is said. */
  readonly to: string;
  /** It is left out unless each of these variables has one of the values. */
  readonly when: Readonly<Record<string, readonly string[]>>;
}

export const DESCRIPTION = 'template.json';

/** Of a part: its `templated` files. */
export const PART = 'part.json';

/** Reads `template.json`. Throws `bad_project_template` with the file and what is wrong. */
export function readDescription(folder: string): TemplateFolder {
  const file = path.join(folder, DESCRIPTION);
  const value = readJson(file);
  const { name, summary, description, next, version = 1, languages = [], templated = [] } = value;
  if (typeof name !== 'string' || typeof summary !== 'string' || typeof description !== 'string') {
    throw bad(file, "'name', 'summary' and 'description' must be texts");
  }
  if (!isTexts(next) || !isTexts(templated) || !isTexts(languages)) {
    throw bad(file, "'next', 'templated' and 'languages' must be lists of texts");
  }
  if (typeof version !== 'number') throw bad(file, "'version' must be a number");
  const variables = readVariables(file, value['variables'] ?? {});
  const layers = readLayers(file, value['layers'] ?? [{ from: '.' }]);
  return { name, summary, description, languages, next, version, variables, layers, templated, folder };
}

/** The templated files of a part, by their path in it. */
export function readPart(folder: string): readonly string[] {
  const file = path.join(folder, PART);
  if (!fs.existsSync(file)) return [];
  const { templated } = readJson(file);
  if (!isTexts(templated)) throw bad(file, "'templated' must be a list of texts");
  return templated;
}

function readVariables(file: string, value: unknown): Readonly<Record<string, string>> {
  if (!isRecord(value)) throw bad(file, "'variables' must be texts by name");
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => {
      if (typeof text !== 'string') throw bad(file, `the variable '${name}' must be a text`);
      return [name, text];
    }),
  );
}

function readLayers(file: string, value: unknown): Layer[] {
  if (!Array.isArray(value)) throw bad(file, "'layers' must be a list");
  return value.map((layer: unknown) => {
    if (!isRecord(layer)) throw bad(file, "each of 'layers' must be an object");
    const { from, part, to = '', when = {} } = layer;
    const [source] = [from, part].filter((place) => place !== undefined);
    if (typeof source !== 'string' || (from !== undefined && part !== undefined)) {
      throw bad(file, "each of 'layers' must have a folder 'from' or the name of a 'part'");
    }
    if (typeof to !== 'string' || !isRecord(when))
      throw bad(file, "'to' must be a path, and 'when' values by variable");
    for (const place of [source, to]) {
      if (path.isAbsolute(place) || place.split(/[/\\]/).includes('..')) {
        throw bad(file, `'${place}' is not a path inside`);
      }
    }
    const conditions = Object.entries(when).map(([name, values]): [string, readonly string[]] => {
      const all: unknown = Array.isArray(values) ? values : [values];
      if (!isTexts(all)) throw bad(file, `'when.${name}' must be a text or a list of texts`);
      return [name, all];
    });
    return { ...(from === undefined ? { part: source } : { from: source }), to, when: Object.fromEntries(conditions) };
  });
}

function readJson(file: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) throw bad(file, 'there is no such file');
    throw bad(file, messageOf(error));
  }
  if (!isRecord(value)) throw bad(file, 'it must hold an object');
  return value;
}

function bad(file: string, what: string): MlopsError {
  return new MlopsError('bad_project_template', `${file}: ${what}`, {
    hint: 'docs/how-to/template.md says what it holds',
  });
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
