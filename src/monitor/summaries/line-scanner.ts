import { numberAt, ShortTexts } from '../../tables/index.ts';
import { plainText } from '../descriptors.ts';
import { isTime } from '../entry.ts';
import type { SummaryBuilder } from '../summary.ts';
import type { ColumnBuilder } from './column.ts';
import { idOfBytes } from './id-set.ts';

const opening = Buffer.from('{"kind":"prediction","id":"');
const quote = 0x22;
const comma = 0x2c;
const closed = 0x7d;

const longest = 200;

/** What a scanned line is added to. */
export interface LineSink {
  /** Undefined for a prediction that was counted already. */
  summaryOf(id: number, at: number, model: string, version: string | undefined): SummaryBuilder | undefined;
}

type ValueKind = 'absent' | 'number' | 'text';

/**
 * Adds predictions to summaries straight from the bytes of a log, as `predictionLine` writes them: no object is made.
 * A line that is of another shape in any way is left to who knows all of them.
 */
export class LineScanner {
  readonly #sink: LineSink;
  readonly #texts = new ShortTexts();
  /** Columns of the summary that was added to last, by their place in the line. */
  #columns: ColumnBuilder[] = [];
  #columnNames: string[] = [];
  #columnsOf: SummaryBuilder | undefined;
  // Of the line at hand.
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #start = 0;
  #stop = 0;
  #kind: ValueKind = 'absent';
  #number = 0;
  #text = '';
  #inputs = 0;
  readonly #names: string[] = [];
  readonly #kinds: ValueKind[] = [];
  readonly #numbers: number[] = [];
  readonly #values: string[] = [];
  #prediction: ValueKind = 'absent';
  #answerNumber = 0;
  #answerText = '';
  #latency = Number.NaN;
  #failed = false;

  constructor(sink: LineSink) {
    this.#sink = sink;
  }

  /** False for a line of another shape, of which nothing was added. @param end of the line, without its newline. */
  scan(bytes: Buffer, start: number, end: number): boolean {
    if (bytes[end - 1] !== closed || end - start < opening.length) return false;
    for (let i = 0; i < opening.length; i++) if (bytes[start + i] !== opening[i]) return false;
    this.#bytes = bytes;
    this.#at = start + opening.length - 1;
    if (!this.#string(longest)) return false;
    const id = idOfBytes(bytes, this.#start, this.#stop);
    if (!this.#key('at') || !this.#value() || this.#kind !== 'number') return false;
    const time = this.#number;
    if (!isTime(time)) return false;
    if (!this.#key('model') || !this.#string(longest)) return false;
    const model = this.#texts.text(bytes, this.#start, this.#stop);
    let version: string | undefined;
    if (this.#key('version')) {
      if (!this.#string(longest)) return false;
      version = this.#texts.text(bytes, this.#start, this.#stop);
    }
    if (this.#key('arm') && !this.#string(longest)) return false;
    if (!this.#rest() || this.#at !== end - 1) return false;
    const summary = this.#sink.summaryOf(id, time, model, version);
    if (summary !== undefined) this.#add(summary, time);
    return true;
  }

  /** Inputs, the answer, its scores, the latency and the error, where they are there. */
  #rest(): boolean {
    this.#inputs = 0;
    this.#prediction = 'absent';
    this.#latency = Number.NaN;
    this.#failed = false;
    if (this.#key('inputs') && !this.#readInputs()) return false;
    if (this.#key('prediction')) {
      if (!this.#value() || this.#kind === 'absent') return false;
      this.#prediction = this.#kind;
      this.#answerNumber = this.#number;
      this.#answerText = this.#text;
    }
    if (this.#key('scores') && !this.#skipScores()) return false;
    if (this.#key('latency_ms')) {
      if (!this.#value() || this.#kind !== 'number') return false;
      this.#latency = this.#number;
    }
    if (this.#key('error')) {
      if (!this.#string(Infinity)) return false;
      this.#failed = true;
    }
    return true;
  }

  #add(summary: SummaryBuilder, time: number): void {
    summary.count(time, this.#failed);
    if (!Number.isNaN(this.#latency)) summary.latency.add(this.#latency);
    if (this.#prediction === 'number') summary.answers.addNumber(this.#answerNumber);
    else if (this.#prediction === 'text') summary.answers.addText(this.#answerText);
    if (this.#columnsOf !== summary) {
      this.#columnsOf = summary;
      this.#columns = [];
      this.#columnNames = [];
    }
    for (let i = 0; i < this.#inputs; i++) {
      const name = this.#names[i] ?? '';
      let column = this.#columns[i];
      if (column === undefined || this.#columnNames[i] !== name) {
        this.#columns[i] = column = summary.input(name);
        this.#columnNames[i] = name;
      }
      const kind = this.#kinds[i];
      if (kind === 'number') column.addNumber(this.#numbers[i] ?? 0);
      else if (kind === 'text') column.addText(this.#values[i] ?? '');
    }
  }

  /** Whether `,"NAME":` comes next, which is passed then. */
  #key(name: string): boolean {
    const bytes = this.#bytes;
    let at = this.#at;
    if (bytes[at] !== comma || bytes[at + 1] !== quote) return false;
    at += 2;
    for (let i = 0; i < name.length; i++) if (bytes[at++] !== name.charCodeAt(i)) return false;
    if (bytes[at] !== quote || bytes[at + 1] !== 0x3a) return false;
    this.#at = at + 2;
    return true;
  }

  /** A text without escapes, not empty, which then lies between `#start` and `#stop`. */
  #string(most: number): boolean {
    const bytes = this.#bytes;
    if (bytes[this.#at] !== quote) return false;
    const start = this.#at + 1;
    let at = start;
    for (;;) {
      const byte = bytes[at];
      if (byte === quote) break;
      // The line's end is a control character too.
      if (byte === undefined || byte < 0x20 || byte === 0x5c) return false;
      at++;
    }
    this.#start = start;
    this.#stop = at;
    this.#at = at + 1;
    return at > start && at - start <= most;
  }

  /** A number, a text, or a truth value as its text. */
  #value(): boolean {
    const bytes = this.#bytes;
    const first = bytes[this.#at] ?? 0;
    if (first === quote) {
      // An empty text is a value.
      if (bytes[this.#at + 1] === quote) {
        this.#at += 2;
        this.#text = '';
      } else {
        if (!this.#string(plainText)) return false;
        this.#text = this.#texts.text(bytes, this.#start, this.#stop);
      }
      this.#kind = 'text';
      return true;
    }
    const start = this.#at;
    let at = start;
    while (isOfToken(bytes[at])) at++;
    this.#at = at;
    if (first === 0x2d || (first >= 0x30 && first <= 0x39)) {
      this.#kind = 'number';
      this.#number = numberAt(bytes, start, at);
      return Number.isFinite(this.#number);
    }
    this.#text = bytes.toString('latin1', start, at);
    this.#kind = this.#text === 'null' ? 'absent' : 'text';
    return this.#text === 'null' || this.#text === 'true' || this.#text === 'false';
  }

  #readInputs(): boolean {
    const bytes = this.#bytes;
    if (bytes[this.#at] !== 0x7b) return false;
    if (bytes[this.#at + 1] === closed) {
      this.#at += 2;
      return true;
    }
    for (let i = 0; ; i++) {
      this.#at++;
      if (!this.#string(longest)) return false;
      this.#names[i] = this.#texts.text(bytes, this.#start, this.#stop);
      if (bytes[this.#at++] !== 0x3a || !this.#value()) return false;
      if (this.#kind === 'text' && this.#text === '[redacted]') return false;
      this.#kinds[i] = this.#kind;
      this.#numbers[i] = this.#number;
      this.#values[i] = this.#text;
      this.#inputs = i + 1;
      if (bytes[this.#at] === comma) continue;
      return bytes[this.#at++] === closed;
    }
  }

  /** One of which it is enough that it is one: digits and a point. */
  #skipNumber(): boolean {
    const bytes = this.#bytes;
    if (bytes[this.#at] === 0x2d) this.#at++;
    const start = this.#at;
    let at = start;
    for (;;) {
      const byte = bytes[at] ?? 0;
      if ((byte < 0x30 || byte > 0x39) && byte !== 0x2e) break;
      at++;
    }
    this.#at = at;
    return at > start && at - start < 100;
  }

  #skipScores(): boolean {
    const bytes = this.#bytes;
    if (bytes[this.#at] !== 0x7b) return false;
    if (bytes[this.#at + 1] === closed) {
      this.#at += 2;
      return true;
    }
    for (;;) {
      this.#at++;
      if (!this.#string(longest) || bytes[this.#at++] !== 0x3a || !this.#skipNumber()) return false;
      if (bytes[this.#at] === comma) continue;
      return bytes[this.#at++] === closed;
    }
  }
}

/** Of a number, or of a word as `null`: what is neither comma nor brace nor blank. */
function isOfToken(byte: number | undefined): boolean {
  return byte !== undefined && byte !== comma && byte !== closed && byte > 0x20;
}
