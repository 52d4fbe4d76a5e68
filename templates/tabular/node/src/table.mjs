// What the columns of a table are, and how a row becomes numbers.
//   raw     a number for each column: itself, or the position of its text among `values` (this is what the API takes)
//   inputs  what the network gets: numbers less their mean over their spread, a 0 or 1 for each text

const MOST_TEXTS = 50; // a column of more different texts is a name or a remark
const MOST_CLASSES = 20;

/** Missing: an empty field, and what pandas writes for it. */
export function isMissing(text) {
  return text.trim() === '' || ['nan', 'na', 'null', 'none'].includes(text.trim().toLowerCase());
}

/** Describes the inputs of training rows: [{ name, kind, ... }]. Columns that say nothing, or too much, are left out. */
export function describeColumns(columns, rows, target) {
  return columns.flatMap((name, index) => {
    if (name === target) return [];
    const texts = rows.map((row) => row[index]).filter((text) => !isMissing(text));
    const numbers = texts.map(Number);
    if (new Set(texts).size < 2) return [];
    if (numbers.every(Number.isFinite)) return [{ name, kind: 'number', ...summary(numbers) }];
    const values = [...new Set(texts.map((text) => text.trim()))].sort();
    if (values.length > MOST_TEXTS) return [];
    return [{ name, kind: 'text', values, fill: values.indexOf(mostFrequent(texts.map((text) => text.trim()))) }];
  });
}

/** What is to be predicted: classes where there are few different values, else a number. */
export function describeTarget(name, texts) {
  const distinct = [...new Set(texts.map((text) => text.trim()))];
  const numbers = distinct.map(Number);
  const numeric = numbers.every(Number.isFinite);
  if (numeric && (distinct.length > MOST_CLASSES || !numbers.every(Number.isInteger))) {
    const { mean, spread } = summary(texts.map(Number));
    return { name, kind: 'number', mean, spread };
  }
  if (distinct.length < 2) throw new Error(`the column "${name}" holds one value only: there is nothing to learn`);
  if (distinct.length > MOST_CLASSES) {
    throw new Error(`the column "${name}" holds ${distinct.length} different texts: at most ${MOST_CLASSES} classes`);
  }
  return { name, kind: 'class', classes: distinct.sort(numeric ? (a, b) => a - b : undefined) };
}

/** A row's fields, in the order of `columns`, to a number for each. */
export function toRaw(columns, fields) {
  return columns.map((column, index) => {
    const text = fields[index].trim();
    if (isMissing(text)) return column.fill;
    if (column.kind === 'number') return Number(text);
    const position = column.values.indexOf(text);
    return position < 0 ? column.fill : position;
  });
}

export function toInputs(columns, raw) {
  return columns.flatMap((column, index) =>
    column.kind === 'number'
      ? [(raw[index] - column.mean) / column.spread]
      : column.values.map((_, position) => Number(position === raw[index])),
  );
}

export function widthOf(columns) {
  return columns.reduce((sum, column) => sum + (column.kind === 'number' ? 1 : column.values.length), 0);
}

function summary(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const mean = numbers.reduce((a, b) => a + b, 0) / numbers.length;
  const variance = numbers.reduce((sum, number) => sum + (number - mean) ** 2, 0) / numbers.length;
  const half = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  return { min: sorted[0], max: sorted.at(-1), mean, spread: Math.sqrt(variance) || 1, fill: median };
}

function mostFrequent(texts) {
  const counts = new Map();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0];
}
