/** Plots: data and templates to Vega-Lite specifications, drawings and pages. */
export { datapointsOf, sourcesOf, type Datapoints, type PlotProperties, type Series } from './datapoints.ts';
export { fillTemplate, type FilledTemplate, type PlotContent } from './fill.ts';
export { parseTable } from './table-text.ts';
export { builtinTemplate, defaultTemplate, templateNames } from './templates.ts';
