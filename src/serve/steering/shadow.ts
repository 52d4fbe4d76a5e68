import type { ReadInputs, Prediction, Predictor } from '../running/predict.ts';
import type { Router } from '../running/router.ts';
import type { Scheduler } from '../running/scheduler.ts';
import type { ServedVersion } from '../running/served-version.ts';
import type { ShadowCounts } from './traffic-counts.ts';
import type { Arm } from '../traffic/live-rule.ts';
import type { Tensor } from '../wire/tensor.ts';

/** A request that was answered, of which a copy may be made. */
export interface Answered {
  readonly prediction: Prediction;
  /** Reads its inputs for another version. */
  read(version: ServedVersion): ReadInputs | Promise<ReadInputs>;
  readonly processed: boolean;
}

type Counts = { -readonly [Key in keyof ShadowCounts]: number };

/** After a copy that took t, for so many times t there is none: copies take a fifth of a thread at most. */
const rest = 4;

/**
 * Sends copies of answered requests to the shadow of their rule while nothing else is to be done, and compares. Their
 * answers and errors go nowhere; what is not copied for want of idle time is counted.
 */
export class ShadowRunner {
  readonly #router: Router;
  readonly #scheduler: Scheduler;
  readonly #predictor: Predictor;
  readonly #counts = new Map<number, Counts>();
  #busy = false;
  #restsUntil = 0;

  constructor(router: Router, scheduler: Scheduler, predictor: Predictor) {
    this.#router = router;
    this.#scheduler = scheduler;
    this.#predictor = predictor;
  }

  /** What came of the copies under a rule; undefined where there were none. */
  counts(rule: number): ShadowCounts | undefined {
    return this.#counts.get(rule);
  }

  /** Counts a copy that is not made, of a request that is too large. */
  pass(arm: Arm | undefined): void {
    if (arm?.copy !== undefined && Math.random() < arm.copy.share) this.#countsOf(arm).dropped++;
  }

  /** Takes a copy if it can; comes back at once. */
  offer(answered: Answered): void {
    const { arm } = answered.prediction;
    if (arm?.copy === undefined || Math.random() >= arm.copy.share) return;
    const counts = this.#countsOf(arm);
    const idle = !this.#busy && this.#scheduler.pending === 0 && performance.now() >= this.#restsUntil;
    if (!idle) {
      counts.dropped++;
      return;
    }
    this.#busy = true;
    setImmediate(() => void this.#copy(answered, counts));
  }

  async #copy(answered: Answered, counts: Counts): Promise<void> {
    try {
      if (await this.#isSame(answered)) counts.equal++;
      counts.compared++;
    } catch {
      counts.dropped++;
    } finally {
      this.#busy = false;
    }
  }

  #countsOf({ rule }: Arm): Counts {
    let counts = this.#counts.get(rule);
    if (counts === undefined) this.#counts.set(rule, (counts = { compared: 0, equal: 0, dropped: 0 }));
    return counts;
  }

  async #isSame(answered: Answered): Promise<boolean> {
    const { prediction, processed } = answered;
    const { arm, version } = prediction;
    const lease = arm?.copy === undefined ? undefined : this.#router.leaseArm(version.ref.name, arm.copy.arm);
    if (lease === undefined) throw new Error('the shadow is not loaded');
    const started = performance.now();
    try {
      const shadow = await this.#predictor.predict({ lease, processed, read: (own) => answered.read(own) });
      return sameAnswer(prediction, shadow);
    } finally {
      lease.release();
      const ended = performance.now();
      this.#restsUntil = ended + rest * (ended - started);
    }
  }
}

/** Labels are the same, numbers are close: 1e-5 of their size, or 1e-6. */
function sameAnswer(live: Prediction, shadow: Prediction): boolean {
  if (JSON.stringify(live.labels) !== JSON.stringify(shadow.labels)) return false;
  if (JSON.stringify(live.objects) !== JSON.stringify(shadow.objects)) return false;
  return Object.entries(live.outputs).every(([name, tensor]) => isClose(tensor, shadow.outputs[name]));
}

function isClose(one: Tensor, other: Tensor | undefined): boolean {
  if (other?.dtype !== one.dtype || other.dims.join() !== one.dims.join()) return false;
  for (let i = 0; i < one.data.length; i++) {
    const [a, b] = [one.data[i], other.data[i]];
    if (a === b) continue;
    if (typeof a !== 'number' || typeof b !== 'number') return false;
    if (Number.isNaN(a) && Number.isNaN(b)) continue;
    if (!(Math.abs(a - b) <= 1e-6 + 1e-5 * Math.abs(a))) return false;
  }
  return true;
}
