/**
 * The project templates: which there are, and copying one into a folder.
 *
 * Words: a *template* is a folder with a `template.json`, its manifest; it is made of *layers*, folders of its own and
 * *parts* that all templates share; *templated* files have `{{variables}}` and conditions.
 * Never: overwrites a file, or runs what it copied.
 */
export type { Template, TemplateFolder } from './manifest.ts';
export { completeValues } from './values.ts';
export { listTemplates, namesFolder, openTemplate, templatesFolder } from './templates.ts';
export { renderTemplate, templateContents, type Rendered, type RenderOptions } from './render.ts';
