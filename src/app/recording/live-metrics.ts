import * as fs from 'node:fs';

import { isMlopsError, isSystemError, type PyMap } from '../../base/index.ts';
import type { Metric } from '../../mlflow/index.ts';
import { splitRows } from '../../plots/index.ts';
import { parseDataFile, parsePythonJson } from '../../project/index.ts';
import type { StageOut } from '../../repo/pipeline/recorder.ts';
import { GrowingFile } from './growing-file.ts';
import { liveFiles, type LiveFile } from './live-files.ts';
import { cleanKey, isHistory, isStepName, metricsOf, rowPoints, type MetricPoint } from './report-metrics.ts';

export interface LiveOptions {
  readonly outs: readonly StageOut[];
  /** DVCLive folders that belong to the stage without being among its outs. */
  readonly folders: readonly string[];
  readonly onPoints: (points: readonly Metric[]) => void;
}

/** Larger files of values are no metrics. */
const largestValues = 16 << 20;

/**
 * The numbers that a stage writes while it runs, as metric history. Each `look` gives what is new since the
 * last one: lines of JSON lines, rows of tables by step, changed values of metrics files. A file that is
 * truncated, rotated or written anew is read from its beginning; a point that was given is not given again.
 */
export class LiveMetrics {
  readonly #options: LiveOptions;
  readonly #readers = new Map<string, Reader>();
  /** Key to step to value. */
  readonly #given = new Map<string, Map<number, number>>();

  constructor(options: LiveOptions) {
    this.#options = options;
    // What is there before the stage runs is of an earlier time.
    for (const file of this.#files()) this.#reader(file).skip();
  }

  /** @param final the stage has ended: a last line without its end counts too. */
  look(final = false): void {
    const files = this.#files();
    const tables = new Set(files.flatMap((file) => (file.key === undefined ? [] : dotted(file.key))));
    for (const file of files) {
      const points = this.#reader(file)
        .read(final)
        .filter((point) => file.summary !== true || !tables.has(dotted(point.key)));
      this.#give(points);
    }
  }

  #files(): LiveFile[] {
    return liveFiles(this.#options.outs, this.#options.folders);
  }

  #reader(file: LiveFile): Reader {
    let reader = this.#readers.get(file.path);
    if (reader === undefined) this.#readers.set(file.path, (reader = readerOf(file)));
    return reader;
  }

  #give(points: readonly MetricPoint[]): void {
    const timestamp = Date.now();
    const fresh = points.filter(({ key, value, step }) => {
      let steps = this.#given.get(key);
      if (steps === undefined) this.#given.set(key, (steps = new Map()));
      if (steps.has(step) && Object.is(steps.get(step), value)) return false;
      steps.set(step, value);
      return true;
    });
    if (fresh.length > 0) this.#options.onPoints(fresh.map((point) => ({ ...point, timestamp })));
  }
}

interface Reader {
  skip(): void;
  read(final: boolean): MetricPoint[];
}

function readerOf(file: LiveFile): Reader {
  if (file.kind === 'lines') return new LinesReader(file.path);
  return file.kind === 'table' ? new TableReader(file.path, file.key) : new ValuesReader(file);
}

/** JSON lines: a mapping a line. */
class LinesReader implements Reader {
  readonly #file: GrowingFile;
  #count = 0;

  constructor(file: string) {
    this.#file = new GrowingFile(file);
  }

  skip(): void {
    this.read(false);
  }

  read(final: boolean): MetricPoint[] {
    const points: MetricPoint[] = [];
    for (let more = true; more;) {
      const next = this.#file.read(final);
      if (next.restarted) this.#count = 0;
      for (const line of next.lines) points.push(...linePoints(line, this.#count++));
      more = next.more;
    }
    return points;
  }
}

function linePoints(line: string, index: number): MetricPoint[] {
  const values = parsed(() => parsePythonJson(line));
  if (!(values instanceof Map)) return [];
  const { step, rest } = withoutStep(values);
  return metricsOf(rest).map((point) => ({ ...point, step: step ?? index }));
}

/** The step that a mapping names, and what else it says. */
function withoutStep(values: PyMap): { step: number | undefined; rest: PyMap } {
  for (const [key, value] of values) {
    if (typeof key !== 'string' || !isStepName(key) || typeof value !== 'number') continue;
    return { step: value, rest: new Map([...values].filter(([other]) => other !== key && other !== 'timestamp')) };
  }
  return { step: undefined, rest: new Map([...values].filter(([key]) => key !== 'timestamp')) };
}

/** A table that grows by rows. */
class TableReader implements Reader {
  readonly #path: string;
  readonly #key: string | undefined;
  readonly #file: GrowingFile;
  #header: string[] | undefined;
  #count = 0;

  constructor(file: string, key: string | undefined) {
    this.#path = file;
    this.#key = key;
    this.#file = new GrowingFile(file);
  }

  skip(): void {
    this.read(false);
  }

  read(final: boolean): MetricPoint[] {
    const separator = /\.tsv$/i.test(this.#path) ? '\t' : ',';
    const points: MetricPoint[] = [];
    for (let more = true; more;) {
      const next = this.#file.read(final);
      if (next.restarted) this.#header = undefined;
      if (this.#header === undefined) this.#count = 0;
      for (const line of next.lines) {
        const [row = []] = splitRows(line, separator);
        if (this.#header === undefined) this.#header = row;
        else points.push(...this.#points(this.#header, row));
      }
      more = next.more;
    }
    return points;
  }

  #points(header: readonly string[], row: readonly string[]): MetricPoint[] {
    if (!isHistory(header)) return [];
    const points = rowPoints(header, row, this.#count++);
    const key = this.#key;
    if (key === undefined) return points;
    // DVCLive's columns: step, timestamp where it was asked for, and the metric under the last part of its name.
    const value = points.find((point) => point.key === cleanKey(header.at(-1) ?? ''));
    return value === undefined ? [] : [{ ...value, key: cleanKey(key) }];
  }
}

/** A file of values that is written anew each time. */
class ValuesReader implements Reader {
  readonly #file: LiveFile;
  #facts = '';

  constructor(file: LiveFile) {
    this.#file = file;
  }

  skip(): void {
    this.#facts = this.#look()?.facts ?? '';
  }

  read(): MetricPoint[] {
    const seen = this.#look();
    if (seen === undefined || seen.facts === this.#facts) return [];
    const values = parsed(() => parseDataFile(fs.readFileSync(this.#file.path, 'utf8'), this.#file.path));
    // Half of it was written yet.
    if (values === undefined) return [];
    this.#facts = seen.facts;
    if (!(values instanceof Map)) return metricsOf(values);
    const { step, rest } = withoutStep(values);
    if (step === undefined) return metricsOf(values);
    return metricsOf(rest).map((point) => ({ ...point, step }));
  }

  #look(): { readonly facts: string } | undefined {
    const stat = fs.statSync(this.#file.path, { throwIfNoEntry: false });
    if (stat?.isFile() !== true || stat.size > largestValues) return undefined;
    return { facts: `${stat.ino} ${stat.size} ${stat.mtimeMs}` };
  }
}

/** DVCLive nests `train/loss` in its summary, where it reads `train.loss` here. */
function dotted(key: string): string {
  return key.replaceAll('/', '.');
}

/** Undefined for what cannot be read: it is being written, or is no such file. */
function parsed<Value>(parse: () => Value): Value | undefined {
  try {
    return parse();
  } catch (error) {
    if (isMlopsError(error) || isSystemError(error)) return undefined;
    throw error;
  }
}
