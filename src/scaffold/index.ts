/** The project templates: which there are, and copying one into a folder. */
export { listTemplates, type Template } from './templates.ts';
export { renderTemplate, type Rendered, type RenderOptions } from './render.ts';
