import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';

import { didYouMean, filesBelow, MlopsError, packageFolder, pathFault, privateFolderName } from '../base/index.ts';
import { DESCRIPTION, PART, readDescription, readPart, type Template, type TemplateFolder } from './manifest.ts';
import { fulfils, type Values } from './substitute.ts';

/** A file of a template: where it lies, and its path in the project, with forward slashes. */
export interface TemplateFile {
  readonly source: string;
  readonly target: string;
  /** Variables are replaced in it. */
  readonly templated: boolean;
}

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
  'gitlab-ci.yml',
  'npmrc',
]);

/** All templates of this installation, by name. */
export function listTemplates(): Template[] {
  return listTemplatesIn(templatesFolder()).map(({ name, summary, description, languages, next }) => ({
    name,
    summary,
    description,
    languages,
    next,
  }));
}

export function listTemplatesIn(folder: string): TemplateFolder[] {
  return fs
    .readdirSync(folder)
    .filter((name) => fs.existsSync(path.join(folder, name, DESCRIPTION)))
    .sort()
    .map((name) => {
      const template = readDescription(path.join(folder, name));
      if (template.name !== name) throw new Error(`${template.folder}: 'name' is not the name of the folder`);
      return template;
    });
}

/** What stands for a folder rather than for the name of a template. */
export function namesFolder(template: string): boolean {
  return /[/\\]/.test(template) || template === '.' || template === '..';
}

/** A template by its name, or by the path of its folder. Throws `unknown_project_template`, `bad_project_template`. */
export function openTemplate(templates: string, template: string): TemplateFolder {
  return namesFolder(template) && fs.existsSync(path.join(template, DESCRIPTION))
    ? readDescription(path.resolve(template))
    : findTemplate(templates, template);
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

/**
 * The files that a template gives for these values of its variables, by their path in the project. A link is no file of
 * it, and what Git keeps of a template's own repository is none either. Throws `bad_project_template` for a path that is refused.
 */
export function listFiles(template: TemplateFolder, values: Values): TemplateFile[] {
  const files = new Map<string, TemplateFile>();
  for (const layer of template.layers) {
    if (!fulfils(layer.when, values, path.join(template.folder, DESCRIPTION))) continue;
    const root = layer.part === undefined ? template.folder : partsFolder(layer.part);
    const folder = path.join(root, layer.from ?? layer.part ?? '.');
    const real = fs.existsSync(folder) ? fs.realpathSync(folder) : '';
    const top = fs.realpathSync(root);
    if (real !== top && !real.startsWith(`${top}${path.sep}`)) {
      throw new MlopsError(
        'bad_project_template',
        `${template.folder}: it has no folder '${layer.from ?? layer.part}'`,
      );
    }
    const ofPart = layer.part === undefined ? [] : readPart(folder);
    for (const file of filesBelow(folder)) {
      if (file === DESCRIPTION || file === PART || privateFolderName(file.split('/')[0] ?? '') === '.git') continue;
      const own = projectPath(file);
      const target = path.posix.join(layer.to, own);
      const fault = pathFault(target);
      if (fault !== undefined) {
        throw new MlopsError('bad_project_template', `${template.folder}: '${target}' holds a name that ${fault.why}`);
      }
      const templated = template.templated.includes(target) || ofPart.includes(own);
      files.set(target, { source: path.join(folder, file), target, templated });
    }
  }
  return [...files.values()].sort((a, b) => (a.target < b.target ? -1 : 1));
}

/** Parts lie in a folder of their own, or are whole examples beside it (`monitoring/...`). */
function partsFolder(part: string): string {
  const inside = path.join(templatesFolder(), 'parts');
  return fs.existsSync(path.join(inside, part)) ? inside : templatesFolder();
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
