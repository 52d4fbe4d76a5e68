import { drift } from '../../app/monitor/drift.ts';
import { MlopsError } from '../../base/index.ts';
import {
  corrections,
  driftMethods,
  multivariateNames,
  type ColumnDrift,
  type DriftReport,
} from '../../monitor/index.ts';
import type { Command, Input } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { dataPlaces, judging, logFlag } from './monitor-input.ts';
import { textTable } from '../tables/text-table.ts';

const methodNames = ['auto', ...Object.keys(driftMethods), ...multivariateNames];

export const driftCommand: Command = {
  name: 'monitor drift',
  owner: 'mlops',
  summary: 'Compare current data with reference data',
  description:
    'REF and CUR are files (CSV, JSON lines, Parquet, gzip or not), folders of pictures (compared by brightness, contrast, size, format and class), PATH@REV for one of Git or DVC at a revision, models:/NAME/VERSION or runs:/ID for what it was trained on, or log:MODEL?since=7d (log:models:/NAME/Production) for a window of the prediction log. `auto` tests numbers by Kolmogorov and Smirnov and categories by chi-square, so that fewer than one check in a hundred rings without a change. The methods and their exact definitions: docs/monitoring.md.',
  examples: [
    ['mlops monitor drift --reference train.csv --current today.csv', 'every column that both have'],
    ['mlops monitor drift --reference data/train.csv@v1.0 --current data/train.csv', 'against a revision'],
    [
      'mlops monitor drift --reference models:/skin/Production --current log:skin?since=7d',
      'this week against training',
    ],
    ['mlops monitor drift --reference photos@v1.0 --current new-photos', 'pictures by what they look like'],
    ['mlops monitor drift --reference a.parquet --current b.parquet --method psi --json', 'one method, as JSON'],
  ],
  flags: [
    { name: 'reference', value: 'REF', summary: 'what the data should look like', completes: 'path' },
    { name: 'current', value: 'CUR', summary: 'what they look like now', completes: 'path' },
    { name: 'columns', value: 'NAME,...', repeat: 'each', summary: 'only these columns' },
    { name: 'categorical', value: 'NAME,...', repeat: 'each', summary: 'columns of numbers that are categories' },
    { name: 'method', value: 'NAME', summary: 'how to compare', choices: methodNames, default: 'auto' },
    { name: 'level', value: 'P', summary: 'chance of a false alarm over the whole table (0.01)' },
    { name: 'threshold', value: 'X', summary: "instead of the method's own threshold" },
    { name: 'correction', value: 'NAME', summary: 'for many columns', choices: corrections, default: 'holm' },
    { name: 'min-n', value: 'N', integer: true, summary: 'fewer values are too few to judge (30)' },
    { name: 'drift-share', value: 'SHARE', summary: 'share of drifted columns that is a drift (any column)' },
    { name: 'standardize', summary: 'scale columns by the reference (mmd, centroid)' },
    { name: 'seed', value: 'N', integer: true, summary: 'of permutations and folds (0)' },
    {
      name: 'chunks',
      value: 'N',
      integer: true,
      summary: 'also compare N chunks in turn with the band of those of the reference',
    },
    { name: 'delimiter', value: 'CHAR', summary: 'of the CSV files, where it is not found out' },
    { name: 'encoding', value: 'NAME', summary: 'of the CSV files (utf-8)' },
    logFlag,
    { name: 'json', summary: 'print JSON' },
  ],
  exits: { 0: 'no drift', 1: 'drift', 2: 'the command or a file is wrong', 3: 'too few values to judge' },
  async run(input, terminal) {
    const report = await compared(input, terminal);
    if (input.on('json')) terminal.json(report);
    else for (const line of driftLines(report, terminal)) terminal.print(line);
    if (report.drifted) return 1;
    return report.verdict === 'too_few' ? 3 : 0;
  },
};

async function compared(input: Input, terminal: Terminal): Promise<DriftReport> {
  const reference = input.text('reference');
  const current = input.text('current');
  if (reference === undefined || current === undefined) {
    throw new MlopsError('usage', `monitor drift needs --${reference === undefined ? 'reference' : 'current'}`, {
      hint: 'mlops monitor drift --reference train.csv --current today.csv',
    });
  }
  return judging(() =>
    drift(dataPlaces(input, terminal), {
      reference,
      current,
      columns: input.given('columns') ? namesOf(input, 'columns') : undefined,
      categorical: namesOf(input, 'categorical'),
      method: methodNames.find((name) => name === input.text('method')) as Parameters<typeof drift>[1]['method'],
      level: shareOf(input, 'level'),
      threshold: numberOf(input, 'threshold'),
      correction: corrections.find((name) => name === input.text('correction')),
      minCount: input.number('min-n'),
      driftShare: shareOf(input, 'drift-share'),
      standardize: input.on('standardize'),
      seed: input.number('seed'),
      chunks: chunksOf(input),
      table: { delimiter: input.text('delimiter'), encoding: input.text('encoding') },
      onNote: (line) => terminal.note(line),
    }),
  );
}

function namesOf(input: Input, flag: string): string[] {
  return input
    .list(flag)
    .flatMap((text) => text.split(','))
    .filter((name) => name !== '');
}

function chunksOf(input: Input): number | undefined {
  const chunks = input.number('chunks');
  if (chunks === undefined || (chunks >= 2 && chunks <= 10_000)) return chunks;
  throw new MlopsError('usage', `--chunks is from 2 to 10000, not ${chunks}`);
}

function numberOf(input: Input, flag: string): number | undefined {
  const text = input.text(flag);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new MlopsError('usage', `--${flag} '${text}' is no number`);
}

function shareOf(input: Input, flag: string): number | undefined {
  const value = numberOf(input, flag);
  if (value === undefined || (value >= 0 && value <= 1)) return value;
  throw new MlopsError('usage', `--${flag} is from 0 to 1, not ${value}`);
}

/** A row per column, those that drifted first, and a sentence at the end. */
function driftLines(report: DriftReport, terminal: Terminal): string[] {
  const { multivariate } = report;
  if (multivariate !== undefined) {
    const { method, columns, verdict } = multivariate;
    const found = `${short(multivariate.statistic)}, p ${short(multivariate.p_value)}`;
    return [`${words[verdict]}: ${method} over ${columns.join(', ')} is ${found}`];
  }
  const entries = Object.entries(report.columns).sort(([, a], [, b]) => Number(b.drifted) - Number(a.drifted));
  const rows = entries.map(([name, column]) => rowOf(name, column));
  const header = [
    { title: 'Column', drop: 0 },
    { title: 'Verdict', drop: 0 },
    { title: 'Method' },
    { title: 'Statistic', align: 'right' },
    { title: 'p', align: 'right' },
    { title: 'Effect', align: 'right', drop: 2 },
    { title: 'Missing', align: 'right', drop: 3 },
  ] as const;
  const drifted = entries.filter(([, column]) => column.drifted).length;
  return [
    ...textTable(header, rows, terminal.columns),
    '',
    `${words[report.verdict]}: ${drifted} of ${entries.length} columns drifted`,
    ...seriesLines(report),
  ];
}

/** A line per column whose chunks stand out: which of them, and above what. */
function seriesLines({ series = {} }: DriftReport): string[] {
  return Object.entries(series).flatMap(([name, { current, upper, method }]) => {
    const out = current.flatMap((chunk, index) => (chunk.drifted ? [`${index + 1} (${short(chunk.statistic)})`] : []));
    return out.length === 0
      ? []
      : [`${name}: chunks ${out.join(', ')} of ${current.length} above ${short(upper)} (${method})`];
  });
}

const words = { drift: 'drift', no_drift: 'no drift', too_few: 'too few values', not_applicable: 'not applicable' };

function rowOf(name: string, column: ColumnDrift): string[] {
  const share = (missing: number, all: number): string => (all === 0 ? '-' : `${Math.round((100 * missing) / all)} %`);
  const before = share(column.missing_reference, column.n_reference);
  const now = share(column.missing_current, column.n_current);
  return [
    name,
    words[column.verdict],
    column.method,
    short(column.statistic),
    short(column.p_value),
    short(column.effect),
    column.missing_reference + column.missing_current === 0 ? '' : `${before} > ${now}`,
  ];
}

const short = (value: number | null): string => (value === null ? '-' : String(Number(value.toPrecision(4))));
