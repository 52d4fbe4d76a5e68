import type { Resources } from '../../execute/index.ts';
import type { Stage } from '../../project/index.ts';

/** What a stage takes of the machine: `meta: {mlops: {cpus, gpus, memory}}`, memory in bytes or as `4GiB`, `500MB`. */
export function resourcesOf(stage: Stage): Resources | undefined {
  const own = stage.meta instanceof Map ? stage.meta.get('mlops') : undefined;
  if (!(own instanceof Map)) return undefined;
  const amounts = {
    cpus: numberOf(own.get('cpus')),
    gpus: numberOf(own.get('gpus')),
    memoryBytes: bytesOf(own.get('memory')),
  };
  return Object.fromEntries(Object.entries(amounts).filter(([, amount]) => amount !== undefined));
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

const units = ['', 'k', 'm', 'g', 't'];

function bytesOf(value: unknown): number | undefined {
  if (typeof value !== 'string') return numberOf(value);
  const [, digits, unit = '', binary] = /^(\d+(?:\.\d+)?) ?([kmgt]?)(i?)b?$/i.exec(value.trim()) ?? [];
  if (digits === undefined) return undefined;
  return Math.round(Number(digits) * (binary === 'i' ? 1024 : 1000) ** units.indexOf(unit.toLowerCase()));
}

/**
 * What stages that run at the same time have taken. CPUs up to the number of jobs, everything else up to what the
 * executor has. A stage alone always gets what it wants.
 */
export class ResourcePool {
  readonly #most: Required<Resources>;
  readonly #taken = { cpus: 0, gpus: 0, memoryBytes: 0 };
  #running = 0;

  constructor(jobs: number, capacity: Resources) {
    const { gpus = Number.POSITIVE_INFINITY, memoryBytes = Number.POSITIVE_INFINITY } = capacity;
    this.#most = { cpus: jobs, gpus, memoryBytes };
  }

  take(stage: Stage): boolean {
    const wanted = wantedBy(stage);
    const fits = kinds.every((kind) => this.#taken[kind] + wanted[kind] <= this.#most[kind]);
    if (!fits && this.#running > 0) return false;
    for (const kind of kinds) this.#taken[kind] += wanted[kind];
    this.#running++;
    return true;
  }

  give(stage: Stage): void {
    const wanted = wantedBy(stage);
    for (const kind of kinds) this.#taken[kind] -= wanted[kind];
    this.#running--;
  }
}

const kinds = ['cpus', 'gpus', 'memoryBytes'] as const;

function wantedBy(stage: Stage): Required<Resources> {
  return { cpus: 1, gpus: 0, memoryBytes: 0, ...resourcesOf(stage) };
}
