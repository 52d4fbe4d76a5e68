import * as path from 'node:path';
import { pathToFileURL } from 'node:url';

import { MlopsError, pythonJson, type PyMap, type PyValue } from '../../base/index.ts';
import {
  plotsJson,
  specOf,
  writePlotsPage,
  writePlotFiles,
  type TemplatePlaces,
} from '../../repo/reports/plot-output.ts';
import { modifyPlot } from '../../repo/reports/plots-modify.ts';
import { diffPlots, showPlots, type PlotFailure, type PlotsResult } from '../../repo/reports/plots.ts';
import { builtinTemplate, templateNames } from '../../plots/index.ts';
import { relativeToDirectory } from '../../repo/reports/report.ts';
import { OutputPlaces } from '../../trust/index.ts';
import type { Command, FlagSpec, Input, Verb } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { openInBrowser } from '../terminal/open-browser.ts';
import { findReportPlace, type ReportPlace } from '../session/report-project.ts';

const displayFlags: readonly FlagSpec[] = [
  {
    name: 'template',
    short: 't',
    value: 'NAME',
    summary: 'template: a built-in one, one of .dvc/plots, or a path',
    completes: 'plot-template',
  },
  { name: 'x', short: 'x', value: 'FIELD', summary: 'field of the x axis' },
  { name: 'y', short: 'y', value: 'FIELD', summary: 'field of the y axis' },
  { name: 'no-header', summary: 'the CSV or TSV file has no header line' },
  { name: 'title', value: 'TEXT', summary: 'title of the plot' },
  { name: 'x-label', value: 'TEXT', summary: 'label of the x axis' },
  { name: 'y-label', value: 'TEXT', summary: 'label of the y axis' },
];

const outputFlags: readonly FlagSpec[] = [
  { name: 'out', short: 'o', value: 'DIR', summary: 'folder to write to (dvc_plots unless given)', completes: 'path' },
  { name: 'format', value: 'FORMAT', choices: ['html', 'svg', 'png'], summary: 'a page (html), or a file per plot' },
  { name: 'show-vega', summary: 'print the Vega-Lite specification of one target' },
  { name: 'json', summary: 'print all specifications as JSON' },
  { name: 'split', summary: 'with --json: keep the data apart from the specification', hidden: true },
  { name: 'open', summary: 'open the page in the browser' },
  { name: 'html-template', value: 'FILE', summary: 'a page of your own around the plots', completes: 'path' },
];

const show: Command = {
  name: 'plots show',
  owner: 'dvc',
  summary: 'Draw the plots of the project',
  description:
    'Plots are CSV, TSV, JSON and YAML files and images that dvc.yaml names under `plots`, and any file given. The page is one file that works offline.',
  examples: [
    ['mlops plots show', 'write dvc_plots/index.html and print its address'],
    ['mlops plots show loss.csv -x epoch -y loss', 'one file, with its axes'],
    ['mlops plots show --format svg -o figures', 'an SVG file per plot; --format png for pixels'],
  ],
  args: [
    { name: 'targets', summary: 'only these files or plot ids', optional: true, variadic: true, completes: 'path' },
  ],
  flags: [...displayFlags, ...outputFlags],
  run: (input, terminal) =>
    output(input, terminal, input.args, (place, properties) =>
      showPlots(place, { directory: place.directory, targets: input.args, properties }),
    ),
};

const diff: Command = {
  name: 'plots diff',
  owner: 'dvc',
  summary: 'Draw plots of several commits over each other',
  examples: [
    ['mlops plots diff', 'the last commit and the workspace'],
    ['mlops plots diff main feature', 'two branches'],
  ],
  args: [{ name: 'revisions', summary: 'Git revisions', optional: true, variadic: true, completes: 'revision' }],
  flags: [
    { name: 'targets', value: 'PATHS', repeat: 'many', summary: 'only these files or plot ids', completes: 'path' },
    { name: 'experiment', short: 'e', summary: 'compare an experiment with its baseline', hidden: true },
    ...displayFlags,
    ...outputFlags,
  ],
  failure: 1,
  run(input, terminal) {
    const targets = input.list('targets');
    return output(input, terminal, targets, (place, properties) =>
      diffPlots(place, input.args, {
        directory: place.directory,
        targets,
        properties,
        experiment: input.on('experiment'),
      }),
    );
  },
};

const modify: Command = {
  name: 'plots modify',
  owner: 'dvc',
  summary: 'Change how an output of a stage is plotted',
  examples: [
    ['mlops plots modify loss.csv -x epoch -y loss', 'set the axes; the output becomes a plot'],
    ['mlops plots modify loss.csv --unset title', 'remove a property'],
  ],
  args: [{ name: 'target', summary: 'the output', completes: 'path' }],
  flags: [...displayFlags, { name: 'unset', value: 'PROPERTY', repeat: 'many', summary: 'remove these properties' }],
  run(input, terminal) {
    const place = findReportPlace(terminal);
    const [target = ''] = input.args;
    const stage = modifyPlot(place, {
      target: place.inside(target),
      shown: target,
      properties: displayProperties(input),
      unset: input.given('unset') ? input.list('unset') : undefined,
      templatesDir: templatesDirOf(place),
      cwd: terminal.cwd,
    });
    terminal.print(`Modifying stage '${stage.name}' in '${relativeToDirectory(stage.file, place.directory)}'`);
  },
};

const templates: Command = {
  name: 'plots templates',
  owner: 'dvc',
  summary: 'List the built-in templates, or print one',
  examples: [
    ['mlops plots templates', 'their names'],
    ['mlops plots templates linear > .dvc/plots/mine.json', 'begin a template of your own'],
  ],
  args: [
    { name: 'template', summary: 'print the specification of this one', optional: true, completes: 'plot-template' },
  ],
  flags: [{ name: 'json', ours: true, summary: 'the names as JSON; a specification always is' }],
  failure: 1,
  run(input, terminal) {
    const [name] = input.args;
    if (name === undefined) {
      if (input.on('json')) return terminal.json(templateNames);
      for (const template of templateNames) terminal.print(template);
      return;
    }
    const spec = builtinTemplate(name);
    if (spec === undefined) {
      throw new MlopsError('unknown_plot_template', `Unexpected template: ${name}.`, {
        hint: `the built-in ones are ${templateNames.join(', ')}`,
      });
    }
    terminal.print(pythonJson(spec, false));
  },
};

export const verb: Verb = {
  name: 'plots',
  summary: 'Draw and compare plots',
  commands: [show, diff, modify, templates],
};

const autoOpenHint = ['To enable auto opening, you can run:', '', '\tdvc config plots.auto_open true'];

/** Where `--out` says; a folder that the repository names lies inside the project, and behind no link of Git's. */
function folderOf(input: Input, terminal: Terminal, place: ReportPlace): string {
  const own = input.text('out');
  if (own !== undefined) return path.resolve(terminal.cwd, own);
  const folder = path.resolve(terminal.cwd, place.config?.text('plots', 'out_dir') ?? 'dvc_plots');
  return place.root === undefined ? folder : new OutputPlaces(place.root).require(folder);
}

type Load = (place: ReportPlace, properties: ReadonlyMap<string, PyValue>) => PlotsResult;

async function output(input: Input, terminal: Terminal, targets: readonly string[], load: Load): Promise<number> {
  if (input.on('show-vega')) {
    const problem = showVegaProblem(input, targets);
    if (problem !== undefined) {
      terminal.error(`${terminal.style.red('ERROR')}: ${problem}`);
      return 1;
    }
  }
  const place = findReportPlace(terminal);
  const result = load(place, displayProperties(input));
  tellFailures(result, terminal);
  const places: TemplatePlaces = { templatesDir: templatesDirOf(place), cwd: terminal.cwd };
  const folder = folderOf(input, terminal, place);
  if (input.on('json')) {
    const data = plotsJson(result.plots, places, input.on('split'), folder);
    terminal.print(pythonJson(compact({ errors: result.failures.map(failureJson), data }), false));
    return 0;
  }
  if (input.on('show-vega')) {
    const plot = result.plots.find(({ kind }) => kind === 'vega');
    if (plot !== undefined) terminal.print(pythonJson(specOf(plot, places)?.spec ?? new Map(), false));
    return 0;
  }
  if (result.plots.length === 0) {
    terminal.error('No plots were loaded, visualization file will not be created.');
    return 0;
  }
  const page = {
    ...places,
    folder,
    title: path.basename(place.root),
    htmlTemplate: htmlTemplate(input, terminal, place),
  };
  const format = input.text('format');
  if (format === 'svg' || format === 'png') {
    for (const file of await writePlotFiles(result.plots, format, page)) terminal.print(pathToFileURL(file).href);
    return 0;
  }
  const file = writePlotsPage(result.plots, page);
  terminal.print(pathToFileURL(file).href);
  const always = place.config?.flag('plots', 'auto_open', false) === true;
  if (!always && !input.on('open')) return 0;
  if (!always) for (const line of autoOpenHint) terminal.print(line);
  openInBrowser(file, terminal);
  return 0;
}

function templatesDirOf(place: ReportPlace): string | undefined {
  return place.dvcDir === undefined ? undefined : path.join(place.dvcDir, 'plots');
}

function showVegaProblem(input: Input, targets: readonly string[]): string | undefined {
  if (targets.length === 0) return 'please specify a target for `--show-vega`';
  if (targets.length > 1) return 'you can only specify one target for `--show-vega`';
  return input.on('json') ? "'--show-vega' and '--json' are mutually exclusive options." : undefined;
}

/** Only what was given, so that it does not hide what dvc.yaml says. */
function displayProperties(input: Input): Map<string, PyValue> {
  const properties = new Map<string, PyValue>();
  const names = ['template', 'x', 'y', 'title', 'x-label', 'y-label'];
  for (const name of names) {
    const value = input.text(name);
    if (value !== undefined) properties.set(name.replace('-', '_'), value);
  }
  if (input.on('no-header')) properties.set('header', false);
  return properties;
}

/** `--html-template`, or `plots.html_template` of the config, which is relative to `.dvc`. */
function htmlTemplate(input: Input, terminal: Terminal, place: ReportPlace): string | undefined {
  const given = input.text('html-template');
  if (given !== undefined) return path.resolve(terminal.cwd, given);
  const configured = place.config?.text('plots', 'html_template');
  return configured === undefined ? undefined : path.resolve(place.dvcDir ?? place.root, configured);
}

function tellFailures(result: PlotsResult, terminal: Terminal): void {
  const revisions = [
    ...new Set(
      result.failures.flatMap(({ revision, source, plot }) =>
        source !== undefined || plot === undefined ? [revision] : [],
      ),
    ),
  ];
  if (revisions.length > 0)
    terminal.error(`DVC failed to load some plots for following revisions: '${revisions.join(', ')}'.`);
  for (const failure of result.failures) {
    const where = failure.source ?? failure.plot;
    terminal.warn(`In '${failure.revision}', ${where === undefined ? '' : `${where}: `}${failure.message}`);
  }
}

function failureJson({ plot, revision, source, type, message }: PlotFailure): PyMap {
  const given = { name: plot, rev: revision, source, type, msg: message };
  const entries = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return new Map(entries);
}

function compact(object: Readonly<Record<string, PyMap | PyValue[]>>): PyMap {
  const filled = Object.entries(object).filter(([, value]) => (value instanceof Map ? value.size : value.length) > 0);
  return new Map(filled);
}
