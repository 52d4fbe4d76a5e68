/**
 * Data quality: what is expected of a table, as a schema, and whether it is so; reports of that in the formats that
 * others read.
 *
 * Words: an *expectation* is one thing that a schema asks for; a *failing* row is one that does not do it; a *key* is
 * some columns that name a row; *leakage* is a row of one table that is also in another.
 * Never: finds files, runs code of a schema, or takes more memory for a larger table.
 */
export { checkTable, type CheckOptions } from './check-table.ts';
export { formatSchema, inferSchema } from './infer.ts';
export type { Expectation, FileResult, QualityReport } from './result.ts';
export { parseDataSchema, type DataSchema } from './schema.ts';
export { escapeCell, qualityGithub } from './report/github.ts';
export { qualityHtml } from './report/html.ts';
export { junit, qualityJunit, type JunitCase } from './report/junit.ts';
export { qualitySarif } from './report/sarif.ts';
export { failingText, reportLines } from './report/words.ts';
