import { keptValue, numbersIn, project, projected } from './descriptors.ts';

type Names = Readonly<Record<string, unknown>>;

/**
 * The inputs of a prediction as columns of a table, for statistics and drift: a number, text or truth value is one. A
 * described text becomes `NAME.length`, `NAME.words` and `NAME.unknown_share`; a vector `NAME[0]`, `NAME[1]`... up to
 * 64 numbers, and its projection `NAME~0` to `NAME~63` beyond. What is redacted or only a hash is no column.
 */
export function columnsOf(inputs: Names): Record<string, unknown> {
  const columns: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(inputs)) {
    const value = keptValue(given);
    if (typeof value !== 'object' || value === null) {
      if (value !== '[redacted]') columns[name] = value;
      continue;
    }
    if (!Array.isArray(value)) addDescribed(columns, name, value as Names);
    else if (!addVector(columns, name, value)) columns[name] = JSON.stringify(value);
  }
  return columns;
}

function addDescribed(columns: Record<string, unknown>, name: string, value: Names): void {
  const { length, words, unknown_share: unknown, projection } = value;
  if (Array.isArray(projection)) {
    for (const [place, number] of projection.entries()) columns[`${name}~${place}`] = number;
  } else if (typeof length === 'number' && typeof words === 'number') {
    columns[`${name}.length`] = length;
    columns[`${name}.words`] = words;
    if (typeof unknown === 'number') columns[`${name}.unknown_share`] = unknown;
  } else if (value['md5'] === undefined) columns[name] = JSON.stringify(value);
}

/** False for what is no list of numbers. */
function addVector(columns: Record<string, unknown>, name: string, list: readonly unknown[]): boolean {
  // A column of a tensor: [N, 1].
  if (list.length === 1 && !Array.isArray(list[0])) {
    columns[name] = list[0];
    return true;
  }
  const values = numbersIn(list)?.values;
  if (values === undefined) return false;
  if (values.length === 1) columns[name] = values[0];
  else if (values.length <= projected) for (const [i, value] of values.entries()) columns[`${name}[${i}]`] = value;
  else for (const [i, value] of project(values).entries()) columns[`${name}~${i}`] = value;
  return true;
}
