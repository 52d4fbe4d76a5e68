// serving.yaml of a table: what the API calls the columns, and what it takes in them.

/** Numbers may lie as far outside of the training rows as these are wide; texts must have occurred. */
export function servingYaml({ inputs, target }) {
  const columns = inputs.map((column) => {
    const name = JSON.stringify(column.name);
    if (column.kind === 'text') {
      const values = column.values.map((text) => JSON.stringify(text)).join(', ');
      return `{ name: ${name}, categories: [${values}], default: ${JSON.stringify(column.values[column.fill])} }`;
    }
    const width = column.max - column.min;
    const [min, max] = [column.min - width, column.max + width].map(short);
    return `{ name: ${name}, type: number, min: ${min}, max: ${max}, default: ${short(column.fill)} }`;
  });
  const outputs =
    target.kind === 'class'
      ? `  - { name: label }\n  - { name: probabilities, labels: ${JSON.stringify(target.classes)} }\n`
      : `  - { name: variable, as: ${JSON.stringify(target.name)} }\n`;
  const table = columns.map((column) => `    - ${column}\n`).join('');
  return `# Made by src/export from the training rows.\nversion: 1\ntable:\n  columns:\n${table}outputs:\n${outputs}`;
}

function short(value) {
  return String(Number(value.toPrecision(6)));
}
