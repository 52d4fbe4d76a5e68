/**
 * Plots: data and templates to Vega-Lite specifications, drawings and pages.
 *
 * Words: *datapoints* are rows of a file under one revision; a *template* is a specification with DVC's anchors; a
 * *drawing* is our own picture of one, for pages without network.
 * Never: finds the files: `repo` does.
 */
export { datapointsOf, sourcesOf, type Datapoints, type PlotProperties, type Series } from './datapoints.ts';
export { drawPlot, type Drawing } from './draw.ts';
export { fillTemplate, type FilledTemplate, type PlotContent } from './fill.ts';
export { drawPanels, drawParallel, shareColor, type Mark, type Panel, type PanelAxis } from './panel.ts';
export { renderPage, type PageContent, type PageImage, type PageItem } from './page.ts';
export { toPng } from './png.ts';
export { escapeMarkup } from './svg.ts';
export { parseTable, splitRows } from './table-text.ts';
export { builtinTemplate, defaultTemplate, templateNames } from './templates.ts';
