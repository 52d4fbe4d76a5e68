// What `npm run bench -- --check` judges by.

/**
 * Lines for the ratios under their floor. A floor that no table has a ratio for is a line too: what was not measured
 * does not pass.
 *
 * @param tables `{ title, header, rows }` of a benchmark, with a column `ratio` such as `4.5x`
 * @param floors by the table's title and the first cell of a row
 */
export function belowFloor(tables, floors) {
  const lines = [];
  for (const [title, rows] of Object.entries(floors)) {
    const table = tables.find((one) => one.title === title);
    const column = table?.header.indexOf('ratio') ?? -1;
    for (const [step, least] of Object.entries(rows)) {
      const cell = column < 0 ? undefined : table.rows.find(([name]) => name === step)?.[column];
      const ratio = /^(\d+(?:\.\d+)?)x$/.exec(cell ?? '')?.[1];
      if (ratio === undefined) lines.push(`${title}, ${step}: not measured (the other tool is missing: npm run tools)`);
      else if (Number(ratio) < least) lines.push(`${title}, ${step}: ${ratio}x, floor ${least}x`);
    }
  }
  return lines;
}
