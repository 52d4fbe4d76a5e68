// A field as numbers, and what the API may be sent.
import { readCsv } from './lib/csv.mjs';

export const FEATURES = {
  rain: [0, 2000, 'mm a year'],
  temperature: [-10, 45, '°C'],
  ph: [3, 10, ''],
  nitrogen: [0, 400, 'kg a hectare'],
  phosphorus: [0, 400, 'kg a hectare'],
  potassium: [0, 400, 'kg a hectare'],
};
export const QUALITIES = ['good', 'poor'];

/** [{ raw: six numbers, yield, quality }] */
export function readFields(part) {
  const { rows } = readCsv(`data/prepared/${part}.csv`);
  return rows.map((row) => ({ raw: row.slice(0, 6).map(Number), yield: Number(row[6]), quality: row[7] }));
}

/** Mean and deviation of each of the six numbers. */
export function scaleOf(fields) {
  const names = Object.keys(FEATURES);
  const means = names.map((_, at) => fields.reduce((sum, { raw }) => sum + raw[at], 0) / fields.length);
  const spreads = names.map((_, at) =>
    Math.sqrt(fields.reduce((sum, { raw }) => sum + (raw[at] - means[at]) ** 2, 0) / fields.length),
  );
  return { means, spreads };
}

export function toInputs({ means, spreads }, raw) {
  return raw.map((value, at) => (value - means[at]) / spreads[at]);
}

export function servingYaml(output) {
  const columns = Object.entries(FEATURES).map(([name, [min, max]]) => `    - { name: ${name}, type: number, min: ${min}, max: ${max} }\n`);
  return `version: 1\ntable:\n  columns:\n${columns.join('')}outputs:\n${output}`;
}
