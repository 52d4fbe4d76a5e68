import { MlopsError } from '../../base/index.ts';
import { Random } from '../random.ts';
import { fromUnit, type Space } from '../space.ts';
import type { Sampler, StudyView, Suggestion } from '../trial.ts';
import { directionNumbers } from './sobol-numbers.ts';

const BITS = 30;

/**
 * A Sobol sequence, scrambled by a random linear matrix and a digital shift (Matoušek 1998), as scipy's: points that
 * cover the space more evenly than random ones. Point k belongs to trial k.
 */
export class QmcSampler implements Sampler {
  readonly #sobol: Sobol;

  constructor(space: Space, seed = 0) {
    this.#sobol = new Sobol(space.parameters.length, new Random(seed, 0x50b01));
  }

  suggest(study: StudyView, number: number): Suggestion {
    const point = this.#sobol.point(number);
    const place = new Map(study.space.parameters.map(({ name }, i) => [name, point[i] as number]));
    return { params: study.space.fill(({ name, domain }) => fromUnit(domain, place.get(name) as number)) };
  }
}

/** The sequence itself; without a random source it is not scrambled. */
export class Sobol {
  readonly #columns: readonly (readonly number[])[];
  readonly #shift: readonly number[];

  /** Throws `tune_space` beyond 200 dimensions. */
  constructor(dimensions: number, random?: Random) {
    const table = directionNumbers.trim().split(/\s+/);
    if (dimensions > table.length) {
      throw new MlopsError('tune_space', `QMC has direction numbers for ${table.length} parameters, not ${dimensions}`);
    }
    const columns = table.slice(0, dimensions).map((row, i) => directions(row, i));
    this.#columns = random === undefined ? columns : columns.map((column) => scramble(column, random));
    this.#shift = columns.map(() => (random === undefined ? 0 : random.word() >>> (32 - BITS)));
  }

  /** Point `index` of the sequence, each coordinate in [0, 1). */
  point(index: number): number[] {
    const gray = index ^ (index >>> 1);
    return this.#columns.map((column, d) => {
      let bits = this.#shift[d] as number;
      for (let k = 0; k < BITS && gray >>> k !== 0; k++) if ((gray >>> k) & 1) bits ^= column[k] as number;
      return bits / 2 ** BITS;
    });
  }
}

/** The direction numbers of one dimension, as whole numbers of BITS bits (Bratley and Fox 1988). */
function directions(row: string, dimension: number): number[] {
  const [head = '', tail = ''] = row.split(':');
  const polynomial = Number(head);
  const m = tail.split(',').map(Number);
  const degree = dimension === 0 ? 0 : 31 - Math.clz32(polynomial);
  const v: number[] = [];
  for (let k = 0; k < BITS; k++) {
    if (dimension === 0) {
      v.push(1);
      continue;
    }
    if (k < degree) {
      v.push(m[k] as number);
      continue;
    }
    let value = v[k - degree] as number;
    let power = 1;
    for (let j = 1; j <= degree; j++) {
      power *= 2;
      if ((polynomial >>> (degree - j)) & 1) value ^= power * (v[k - j] as number);
    }
    v.push(value);
  }
  return v.map((value, k) => value * 2 ** (BITS - 1 - k));
}

/** Multiplies the bits of each number by a random lower triangular matrix with ones on its diagonal. */
function scramble(column: readonly number[], random: Random): number[] {
  const rows = Array.from({ length: BITS }, (_, i) => {
    const diagonal = 2 ** (BITS - 1 - i);
    const above = i === 0 ? 0 : (random.word() >>> (32 - i)) * 2 ** (BITS - i);
    return diagonal | above;
  });
  return column.map((value) => {
    let out = 0;
    for (const [i, row] of rows.entries()) if (parity(row & value)) out |= 2 ** (BITS - 1 - i);
    return out;
  });
}

function parity(word: number): boolean {
  let bits = word;
  for (let shift = 16; shift > 0; shift >>= 1) bits ^= bits >>> shift;
  return (bits & 1) === 1;
}
