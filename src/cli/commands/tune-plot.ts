import * as path from 'node:path';

import { studyNamed } from '../../app/tuning/open-tune.ts';
import { viewStudy } from '../../app/tuning/read-studies.ts';
import { studyPlots } from '../../app/tuning/study-plots.ts';
import { didYouMean, MlopsError, plural, writeFileAtomic } from '../../base/index.ts';
import { renderPage, toPng } from '../../plots/index.ts';
import { importance, type OpenStudy } from '../../tune/index.ts';
import type { Command } from '../parse/command.ts';
import { textTable } from '../tables/text-table.ts';
import { studyArg } from './tune-input.ts';
import { jsonFlag, withStudies } from './tune-show.ts';

export const importanceCommand: Command = {
  name: 'tune importance',
  owner: 'mlops',
  summary: 'Say which parameters matter for the best tenth of the trials',
  description: 'PED-ANOVA, with the numbers of Optuna 5; the shares of all parameters are 1 together.',
  examples: [['mlops tune importance cnn-lr', 'the most important one first']],
  args: [studyArg],
  flags: [jsonFlag],
  run: (input, terminal) =>
    withStudies(terminal, async (studies) => {
      const study = await viewStudy(studies, await studyNamed(studies, input.args[0]));
      const found = importance(study.view.trials, study.view.space, study.spec.directions);
      if (input.on('json')) {
        terminal.json(Object.fromEntries(found));
        return;
      }
      const rows = [...found].map(([name, share]) => [name, share.toFixed(4), '█'.repeat(Math.round(share * 30))]);
      const header = [
        { title: 'PARAMETER', drop: 0 },
        { title: 'SHARE', align: 'right' as const, drop: 0 },
        { title: '' },
      ];
      if (rows.length === 0) terminal.note('no trial is complete');
      else for (const line of textTable(header, rows, terminal.columns)) terminal.print(line);
    }),
};

const names = ['all', ...Object.keys(studyPlots)];

export const plotCommand: Command = {
  name: 'tune plot',
  owner: 'mlops',
  summary: 'Draw a study: one plot as SVG or PNG, or all on a page',
  description: `Plots: ${names.join(', ')}. The page needs no network.`,
  examples: [
    ['mlops tune plot all -o study.html', 'everything on a page'],
    ['mlops tune plot slice cnn-lr -o slice.png', 'one plot as a picture'],
  ],
  args: [{ name: 'plot', summary: 'which one', optional: true }, studyArg],
  flags: [
    { name: 'out', short: 'o', value: 'FILE', summary: 'the file: .svg, .png or .html', completes: 'path' },
    jsonFlag,
  ],
  run: (input, terminal) =>
    withStudies(terminal, async (studies) => {
      const [plot = 'all', name] = input.args;
      if (!names.includes(plot)) {
        throw new MlopsError('usage', `there is no plot '${plot}'`, {
          hint: didYouMean(plot, names) ?? `there are ${names.join(', ')}`,
        });
      }
      const study = await viewStudy(studies, await studyNamed(studies, name));
      const out = input.text('out') ?? (plot === 'all' ? 'study.html' : `${plot}.svg`);
      const file = path.resolve(terminal.cwd, out);
      const chosen = plot === 'all' ? names.slice(1) : [plot];
      if (/\.html?$/i.test(out)) writeFileAtomic(file, pageOf(study, chosen));
      else {
        const [only] = chosen;
        if (only === undefined || chosen.length > 1) {
          throw new MlopsError('usage', 'all plots go to a page', { hint: '-o study.html, or name one plot' });
        }
        const drawn = studyPlots[only]?.(study);
        if (drawn === undefined || 'remark' in drawn) {
          throw new MlopsError('bad_plot', `there is nothing to draw for '${only}': ${drawn?.remark ?? ''}`);
        }
        writeFileAtomic(file, /\.png$/i.test(out) ? await toPng(drawn.svg) : drawn.svg);
      }
      if (input.on('json')) terminal.json({ study: study.name, plots: chosen, file: out });
      else terminal.print(out);
    }),
};

function pageOf(study: OpenStudy, chosen: readonly string[]): string {
  const items = chosen.map((id) => {
    const drawn = studyPlots[id]?.(study) ?? { remark: '' };
    return 'svg' in drawn
      ? { kind: 'drawing' as const, id, svg: drawn.svg }
      : { kind: 'drawing' as const, id, svg: undefined, remark: drawn.remark };
  });
  // What cannot be drawn stands behind what can, with its reason.
  items.sort((a, b) => Number(a.svg === undefined) - Number(b.svg === undefined));
  return renderPage({ title: `Study ${study.name}`, subtitle: plural(study.trials.length, 'trial'), items });
}
