import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';

import { didYouMean, filesBelow, MlopsError, packageFolder } from '../base/index.ts';

/** What `template.json` says about a template. */
export interface Template {
  readonly name: string;
  /** One line, for a list. */
  readonly summary: string;
  readonly description: string;
  /** Commands to type next, in the new folder. */
  readonly next: readonly string[];
}

/** A template with all that is needed to copy it. */
export interface TemplateFolder extends Template {
  readonly folder: string;
  /** Files in which `{{variable}}` is replaced, by the path they get in the project. */
  readonly templated: readonly string[];
}

/** A file of a template: where it lies, and its path in the project, with forward slashes. */
export interface TemplateFile {
  readonly source: string;
  readonly target: string;
}

const DESCRIPTION = 'template.json';

/**
 * Names that begin with a dot in a project and with `_` in a template: npm never packs a `.gitignore`
 * or `.npmrc`, and tools would take a template's own dot files as meant for this repository. The list is
 * closed, so that a template can have a file of its own such as `_helpers.py`.
 */
const DOT_NAMES = new Set([
  'dockerignore',
  'dvcignore',
  'editorconfig',
  'env.example',
  'gitattributes',
  'github',
  'gitignore',
  'npmrc',
]);

/** All templates of this installation, by name. */
export function listTemplates(): Template[] {
  return listTemplatesIn(templatesFolder()).map(({ name, summary, description, next }) => ({
    name,
    summary,
    description,
    next,
  }));
}

export function listTemplatesIn(folder: string): TemplateFolder[] {
  return fs
    .readdirSync(folder)
    .filter((name) => fs.existsSync(path.join(folder, name, DESCRIPTION)))
    .sort()
    .map((name) => readDescription(path.join(folder, name)));
}

/** Throws `unknown_project_template` with the names there are. */
export function findTemplate(folder: string, name: string): TemplateFolder {
  const templates = listTemplatesIn(folder);
  const found = templates.find((template) => template.name === name);
  if (found !== undefined) return found;
  const names = templates.map((template) => template.name);
  const guess = didYouMean(name, names);
  const all = `templates: ${names.join(', ')}`;
  throw new MlopsError('unknown_project_template', `there is no template '${name}'`, {
    hint: guess === undefined ? all : `${guess} (${all})`,
    data: { template: name, templates: names },
  });
}

/** The files of a template, by their path in the project. */
export function listFiles(template: TemplateFolder): TemplateFile[] {
  return filesBelow(template.folder)
    .map((file) => ({ source: path.join(template.folder, file), target: projectPath(file) }))
    .filter(({ target }) => target !== DESCRIPTION)
    .sort((a, b) => (a.target < b.target ? -1 : 1));
}

/** The folder `templates/` of the package that the module at `from` belongs to. */
export function templatesFolder(from: string = fileURLToPath(import.meta.url)): string {
  return path.join(packageFolder('templates', from), 'templates');
}

/** `data/_gitignore` in a template is `data/.gitignore` in a project. */
function projectPath(relative: string): string {
  return relative
    .split('/')
    .map((part) => (part.startsWith('_') && DOT_NAMES.has(part.slice(1)) ? `.${part.slice(1)}` : part))
    .join('/');
}

/** Templates ship with the program, so a bad description is a bug and not the user's error. */
function readDescription(folder: string): TemplateFolder {
  const file = path.join(folder, DESCRIPTION);
  const value = JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, unknown>;
  const { name, summary, description, next, templated = [] } = value;
  if (name !== path.basename(folder)) throw new Error(`${file}: 'name' is not the name of the folder`);
  if (typeof summary !== 'string' || typeof description !== 'string') {
    throw new Error(`${file}: 'summary' and 'description' must be texts`);
  }
  if (!isTexts(next) || !isTexts(templated)) throw new Error(`${file}: 'next' and 'templated' must be lists of texts`);
  return { name: path.basename(folder), summary, description, next, templated, folder };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
