import * as fs from 'node:fs';
import * as path from 'node:path';

import {
  isMlopsError,
  isSystemError,
  MlopsError,
  writeFileAtomic,
  type PyMap,
  type PyValue,
} from '../../base/index.ts';
import {
  builtinTemplate,
  defaultTemplate,
  drawPlot,
  fillTemplate,
  renderPage,
  templateNames,
  type FilledTemplate,
  type PageItem,
  toPng,
} from '../../plots/index.ts';
import { parseDataFile } from '../../project/index.ts';
import type { Plot, PlotImage } from './plots.ts';

/** Where templates are looked for besides the built-in ones. */
export interface TemplatePlaces {
  /** `.dvc/plots`; undefined outside of projects. */
  readonly templatesDir: string | undefined;
  readonly cwd: string;
}

/** A template by name or path. */
export interface PlotTemplate {
  readonly name: string;
  readonly spec: PyMap;
  readonly builtin: boolean;
}

/**
 * Finds a template as DVC does: in `.dvc/plots` (with or without `.json`), then a path from the current
 * directory, then among the built-in ones.
 *
 * @throws MlopsError `unknown_plot_template`; `bad_plot` for a file that is no JSON object.
 */
export function findTemplate(name: string | undefined, places: TemplatePlaces): PlotTemplate {
  const wanted = name ?? defaultTemplate;
  const dir = places.templatesDir;
  const withJson = wanted.replace(/\.[^./\\]*$/, '') + '.json';
  const candidates = [
    ...(dir === undefined ? [] : [path.resolve(dir, wanted), path.resolve(dir, withJson)]),
    path.resolve(places.cwd, wanted),
  ];
  for (const file of candidates) {
    const text = readText(file);
    if (text === undefined) continue;
    const spec = parseTemplate(text, file);
    return { name: wanted, spec, builtin: false };
  }
  const spec = builtinTemplate(wanted);
  if (spec !== undefined) return { name: wanted, spec, builtin: true };
  throw new MlopsError('unknown_plot_template', `Template '${wanted}' not found.`, {
    exit: 255,
    hint: `built-in templates: ${templateNames.join(', ')}; your own go to .dvc/plots/NAME.json`,
  });
}

function parseTemplate(text: string, file: string): PyMap {
  try {
    const spec = parseDataFile(text, `${file}.json`);
    if (spec instanceof Map) return spec;
  } catch (error) {
    if (!isMlopsError(error)) throw error;
    throw new MlopsError('bad_plot', `the plot template '${file}' is not valid JSON`, { cause: error });
  }
  throw new MlopsError('bad_plot', `the plot template '${file}' is not a JSON object`);
}

function readText(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return undefined;
    throw error;
  }
}

/** The Vega-Lite specification of a plot with data; undefined for one without. */
export function specOf(plot: Plot, places: TemplatePlaces, split = false): FilledTemplate | undefined {
  if (plot.kind !== 'vega') return undefined;
  const template = templateOf(plot, places);
  return plot.rows.length === 0 ? undefined : fillTemplate(template.spec, template.name, plot, { split });
}

function templateOf(plot: Plot, places: TemplatePlaces): PlotTemplate {
  const name = plot.properties.get('template');
  return findTemplate(typeof name === 'string' ? name : undefined, places);
}

/** A file beside the page: images, as DVC names them. */
export function imageName({ revision, file }: PlotImage): string {
  return `${revision}_${file}`.replaceAll('/', '_').replaceAll(path.sep, '_');
}

/** Writes a plot's images into a folder and returns their absolute paths in order. */
export function writeImages(plot: Plot, folder: string): string[] {
  if (plot.images.length > 0) fs.mkdirSync(folder, { recursive: true });
  return plot.images.map((image) => {
    const file = path.join(folder, imageName(image));
    writeFileAtomic(file, image.content);
    return file;
  });
}

export interface PageOptions extends TemplatePlaces {
  /** Absolute path of the folder that gets `index.html` and `static/`. */
  readonly folder: string;
  readonly title: string;
  /** Absolute path of the user's own page. */
  readonly htmlTemplate?: string | undefined;
}

/**
 * Writes the page with all plots and returns its path: numbers first, images after them by folder and number.
 *
 * @throws MlopsError `unknown_plot_template`, `bad_plot`.
 */
export function writePlotsPage(plots: readonly Plot[], options: PageOptions): string {
  const items = inPageOrder(plots).map((plot) => pageItem(plot, options));
  const own = options.htmlTemplate === undefined ? undefined : readText(options.htmlTemplate);
  const page = renderPage({ title: options.title, items }, own ?? undefined);
  fs.mkdirSync(options.folder, { recursive: true });
  const file = path.join(options.folder, 'index.html');
  writeFileAtomic(file, page);
  return file;
}

/** Writes each plot that can be drawn as a file of its own, and returns their paths. */
export async function writePlotFiles(
  plots: readonly Plot[],
  format: 'svg' | 'png',
  options: PageOptions,
): Promise<string[]> {
  fs.mkdirSync(options.folder, { recursive: true });
  const taken = new Set<string>();
  const files: string[] = [];
  for (const plot of plots) {
    const item = plot.kind === 'vega' ? pageItem(plot, options) : undefined;
    if (item?.kind !== 'drawing' || item.svg === undefined) continue;
    let name = plot.id.replace(/[^\w.-]+/g, '_');
    while (taken.has(name)) name += '_';
    taken.add(name);
    const file = path.join(options.folder, `${name}.${format}`);
    writeFileAtomic(file, format === 'svg' ? item.svg : await toPng(item.svg));
    files.push(file);
  }
  return files;
}

function pageItem(plot: Plot, options: PageOptions): PageItem {
  const { id } = plot;
  if (plot.kind === 'image') {
    const files = writeImages(plot, path.join(options.folder, 'static'));
    const images = plot.images.map(({ revision }, index) => ({
      revision,
      source: encodeURI(`static/${path.basename(files[index] ?? '')}`),
    }));
    return { kind: 'images', id, images };
  }
  const template = templateOf(plot, options);
  if (plot.rows.length === 0) return { kind: 'drawing', id, svg: undefined, remark: 'There is no data to show.' };
  const { spec } = fillTemplate(template.spec, template.name, plot);
  const drawing = drawPlot(template.builtin ? template.name : template.spec, plot);
  if (drawing === undefined) {
    const remark = `The template '${template.name}' cannot be drawn here. Save its Vega-Lite specification and open it in a Vega editor.`;
    return { kind: 'drawing', id, svg: undefined, remark, spec };
  }
  if (!drawing.approximate) return { kind: 'drawing', id, svg: drawing.svg, spec };
  const remark = `Drawn after the kind of the template '${template.name}'; its Vega-Lite specification has the exact picture.`;
  return { kind: 'drawing', id, svg: drawing.svg, remark, spec };
}

function inPageOrder(plots: readonly Plot[]): Plot[] {
  const images = plots.filter((plot) => plot.kind === 'image');
  const keyOf = ({ id }: Plot): [string, number, string] => {
    const name = path.posix.basename(id);
    const stem = name.replace(/\.[^.]*$/, '');
    return [path.posix.dirname(id), /^\d+$/.test(stem) ? Number(stem) : -1, name];
  };
  images.sort((a, b) => {
    const [folderA, numberA, nameA] = keyOf(a);
    const [folderB, numberB, nameB] = keyOf(b);
    return compare(folderA, folderB) || numberA - numberB || compare(nameA, nameB);
  });
  return [...plots.filter((plot) => plot.kind !== 'image'), ...images];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `plots show --json`: DVC's shape, an entry per plot and per image. */
export function plotsJson(plots: readonly Plot[], places: TemplatePlaces, split: boolean, imageFolder: string): PyMap {
  const entries = plots.map((plot): [PyValue, PyValue] => {
    if (plot.kind === 'image') {
      const files = writeImages(plot, imageFolder);
      const list = plot.images.map(({ revision }, index): PyMap => {
        return pyMap({ type: 'image', revisions: [revision], url: files[index] ?? '' });
      });
      return [plot.id, list];
    }
    const filled = specOf(plot, places, split);
    if (filled === undefined) return [plot.id, []];
    const entry = pyMap({ type: 'vega', revisions: [...plot.revisions], content: filled.spec });
    if (split) entry.set('anchor_definitions', new Map<PyValue, PyValue>(filled.split));
    return [plot.id, [entry]];
  });
  return new Map(entries);
}

function pyMap(object: Readonly<Record<string, PyValue>>): PyMap {
  return new Map(Object.entries(object));
}
