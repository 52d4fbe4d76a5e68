/**
 * The project templates: which there are, and copying one into a folder.
 *
 * Words: a *template* is a folder with a `template.json`; its *templated* files have `{{variables}}`.
 * Never: overwrites a file, or runs what it copied.
 */
export { listTemplates, type Template } from './templates.ts';
export { renderTemplate, type Rendered, type RenderOptions } from './render.ts';
