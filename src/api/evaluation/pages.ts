import { invalid, type Fields } from '../../mlflow/index.ts';
import type { PageQuery } from '../../tracking/index.ts';

/** The size of a page, in MLflow's bounds; undefined is the default of what is listed. */
export function pageSize(size: number | undefined): number | undefined {
  if (size === undefined || (size >= 1 && size <= 50_000)) return size;
  const rule = size < 1 ? 'It must be a positive integer' : 'It must be at most 50000';
  throw invalid(`Invalid value ${size} for parameter 'max_results' supplied. ${rule}`);
}

export function readPage(fields: Fields): PageQuery {
  return { maxResults: pageSize(fields.integer('max_results')), pageToken: fields.filled('page_token') };
}
