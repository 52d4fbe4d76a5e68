import type { Places } from '../../app/lineage/name-thing.ts';
import { openPlace, trackingPlace } from '../../app/places/tracking-home.ts';
import { isMlopsError } from '../../base/index.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { openLocked } from './data-session.ts';

/**
 * Opens what there is where the user stands: the project, the tracking store, the folder of the prediction log.
 *
 * @param lock whether the project is to be changed.
 */
export async function withPlaces<Result>(
  terminal: Terminal,
  log: string,
  work: (places: Places) => Promise<Result>,
  lock = false,
): Promise<Result> {
  const repo = await ifThere(() => openLocked(terminal, { lock }));
  try {
    const store = await ifThere(() =>
      openPlace(trackingPlace(terminal.cwd, terminal.env), { create: false, signal: terminal.signal }),
    );
    try {
      return await work({ repo, store, log, cwd: terminal.cwd });
    } finally {
      await store?.close();
    }
  } finally {
    repo?.close();
  }
}

async function ifThere<Value>(open: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await open();
  } catch (error) {
    if (isMlopsError(error, 'not_a_project')) return undefined;
    throw error;
  }
}
