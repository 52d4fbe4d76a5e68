import * as fs from 'node:fs';
import * as path from 'node:path';

import { checkData, inferDataSchema, qualityMetrics } from '../../app/quality/check-data.ts';
import { MlopsError, plural } from '../../base/index.ts';
import {
  failingText,
  qualityGithub,
  qualityHtml,
  qualityJunit,
  qualitySarif,
  reportLines,
  type FileResult,
  type QualityReport,
} from '../../quality/index.ts';
import type { Command, FlagSpec, Input } from '../parse/command.ts';
import { version } from '../parse/version.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { dataPlaces, judging, logFlag } from './monitor-input.ts';

const defaultSchema = 'data.schema.yaml';
const formats = ['text', 'json', 'junit', 'sarif', 'github', 'html'] as const;

const tableFlags: readonly FlagSpec[] = [
  { name: 'delimiter', value: 'CHAR', summary: 'of CSV files, where it is not found out' },
  { name: 'quote', value: 'CHAR', summary: 'of CSV files (")' },
  { name: 'encoding', value: 'NAME', summary: 'of CSV files (utf-8)' },
];

export const checkDataCommand: Command = {
  name: 'check data',
  owner: 'mlops',
  summary: 'Check data files against a schema',
  description:
    'The schema says what is expected: types, missing values, ranges, sets, keys, rules between columns, freshness, balance, leakage, drift. `check data infer` writes one to start from. Files are CSV, JSON lines or Parquet, gzip or not, or PATH@REV for a file of Git or DVC at a revision; a folder of pictures is a table of them. They are read as a stream: memory does not grow with them. docs/gates.md describes the schema.',
  examples: [
    ['mlops check data data/train.csv', 'against data.schema.yaml'],
    ['mlops check data new.parquet --schema schemas/orders.yaml --json', 'another schema, as JSON'],
    ['mlops check data data/train.csv --format github', 'annotations and a summary in GitHub Actions'],
    [
      'mlops stage add -n check -d data/train.csv -M quality.json mlops check data data/train.csv --metrics quality.json',
      'as a stage',
    ],
  ],
  args: [{ name: 'file', summary: 'data files', variadic: true, completes: 'path' }],
  flags: [
    { name: 'schema', value: 'FILE', summary: 'what is expected', default: defaultSchema, completes: 'path' },
    ...tableFlags,
    { name: 'metrics', value: 'FILE', summary: 'write the counts as metrics of a stage, too', completes: 'path' },
    { name: 'format', value: 'NAME', summary: 'how to print', choices: formats, default: 'text' },
    logFlag,
    { name: 'json', summary: 'print JSON' },
  ],
  exits: {
    0: 'all is as expected',
    1: 'something is not, or a file cannot be read',
    2: 'no such file, or a wrong schema',
  },
  async run(input, terminal) {
    const report = await judging(() =>
      checkData(dataPlaces(input, terminal), {
        files: input.args,
        schema: input.text('schema') ?? defaultSchema,
        table: tableOptions(input),
        signal: terminal.signal,
        onProgress: terminal.progress,
      }),
    );
    const metrics = input.text('metrics');
    if (metrics !== undefined) {
      fs.writeFileSync(
        path.resolve(terminal.cwd, metrics),
        `${JSON.stringify(qualityMetrics(report), undefined, 2)}\n`,
      );
    }
    print(report, input.on('json') ? 'json' : (input.text('format') ?? 'text'), terminal);
    return report.success ? 0 : 1;
  },
};

function tableOptions(input: Input): {
  delimiter?: string | undefined;
  quote?: string | undefined;
  encoding?: string | undefined;
} {
  return { delimiter: input.text('delimiter'), quote: input.text('quote'), encoding: input.text('encoding') };
}

function print(report: QualityReport, format: string, terminal: Terminal): void {
  if (format === 'json') terminal.json(report);
  else if (format === 'sarif') terminal.json(qualitySarif(report, version));
  else if (format === 'junit') terminal.print(qualityJunit(report));
  else if (format === 'github') terminal.print(qualityGithub(report));
  else if (format === 'html') terminal.print(qualityHtml(report));
  else for (const line of report.files.flatMap((file) => fileLines(file, terminal))) terminal.print(line);
}

/** What failed, with its first rows; what holds is counted, or listed with -v. */
function fileLines(file: FileResult, terminal: Terminal): string[] {
  const { style } = terminal;
  const lines = reportLines(file);
  const failed = lines.filter((line) => !line.success);
  if (file.error !== undefined) {
    return [
      `${style.red('✗')} ${file.error.message}`,
      ...(file.error.hint === undefined ? [] : [`  ${file.error.hint}`]),
    ];
  }
  const shown = terminal.verbosity > 0 ? lines : failed;
  const held = lines.length - failed.length;
  const sum = `${file.file}: ${plural(file.rows, 'row')}, ${held} of ${plural(lines.length, 'expectation')} hold`;
  return [
    failed.length === 0 ? `${style.green('✓')} ${sum}` : `${style.red('✗')} ${sum}`,
    ...shown.flatMap((line) => [
      `  ${line.success ? 'ok   ' : style.red('fails')} ${style.bold(line.title)}: expected ${line.expected}, found ${line.found}`,
      ...(line.failing.length === 0 ? [] : [style.dim(`        ${failingText(line.failing)}`)]),
    ]),
  ];
}

export const inferCommand: Command = {
  name: 'check data infer',
  owner: 'mlops',
  summary: 'Write a schema that a data file fulfils',
  description:
    'Types, missing values, ranges of numbers and times, the values of texts that repeat (at most 50, each seen twice on average), and columns without duplicates. Read it, and loosen what future data may do.',
  examples: [
    ['mlops check data infer data/train.csv', 'writes data.schema.yaml'],
    ['mlops check data infer data/train.csv --out -', 'prints it'],
    ['mlops check data infer photos/', 'of a folder of pictures: sizes, formats, classes, duplicates'],
  ],
  args: [{ name: 'file', summary: 'a data file', completes: 'path' }],
  flags: [
    { name: 'out', short: 'o', value: 'FILE', summary: `where to (${defaultSchema}); - prints`, completes: 'path' },
    { name: 'force', short: 'f', summary: `write over ${defaultSchema}` },
    ...tableFlags,
    logFlag,
  ],
  async run(input, terminal) {
    const out = input.text('out');
    const target = path.resolve(terminal.cwd, out ?? defaultSchema);
    if (out === undefined && !input.on('force') && fs.existsSync(target)) {
      throw new MlopsError('usage', `'${defaultSchema}' exists already`, {
        hint: '--force writes over it, --out FILE elsewhere',
      });
    }
    const text = await inferDataSchema(dataPlaces(input, terminal), input.args[0] ?? '', {
      table: tableOptions(input),
      signal: terminal.signal,
      onProgress: terminal.progress,
    });
    if (out === '-') {
      terminal.write(text);
      return;
    }
    fs.writeFileSync(target, text);
    terminal.note(`wrote ${out ?? defaultSchema}`);
    terminal.next(`mlops check data ${input.args[0] ?? 'FILE'}${out === undefined ? '' : ` --schema ${out}`}`);
  },
};
