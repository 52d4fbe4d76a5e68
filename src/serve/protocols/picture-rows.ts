import type { SampledRows } from '../../monitor/index.ts';
import type { Run } from '../running/finish.ts';
import { sampled } from './native-protocol.ts';

/**
 * What the log says of pictures in place of their pixels: a row of numbers each, as `image.width`, from which drift is
 * told without a model.
 */
export function pictureRows({
  version,
  pictures,
}: Pick<Run, 'version' | 'pictures'>): (() => SampledRows | undefined) | undefined {
  const field = version.processing?.input?.image?.field;
  if (field === undefined || pictures === undefined || pictures.some(({ facts }) => facts === undefined))
    return undefined;
  const row = (index: number): Readonly<Record<string, unknown>> => {
    const facts = pictures[index]?.facts;
    if (facts === undefined) return {};
    const { width, height, mean, standardDeviation, contrast, luminance } = facts;
    const pixels = width * height;
    return {
      [`${field}.width`]: width,
      [`${field}.height`]: height,
      [`${field}.mean`]: mean,
      [`${field}.standard_deviation`]: standardDeviation,
      [`${field}.contrast`]: contrast,
      ...Object.fromEntries(luminance.map((count, bin) => [`${field}.luminance_${bin}`, count / pixels])),
    };
  };
  return () => sampled({ count: pictures.length, columns: Object.keys(row(0)).length, row });
}
