import { isMlopsError } from '../../base/index.ts';
import { commandLines } from '../../execute/index.ts';
import type { LockedStage, Out, Stage } from '../../project/index.ts';
import { findMade, readInputs, withLock } from '../stages/repro-stage.ts';
import { refuseFaultyCommand } from './repro-command.ts';
import type { ReproContext, StageTask } from './repro-context.ts';

/**
 * Tells what a stage would do, without doing it.
 *
 * @returns the stage with the outputs that it would have, as far as that is known.
 */
export async function dryRun(context: ReproContext, task: StageTask): Promise<Stage> {
  const { onEvent } = context;
  const { stage, force } = task;
  if (stage.cmd === undefined || stage.frozen) return stage;
  const isKnown = !force && uncertainties(task).length === 0;
  const made = isKnown ? await wouldBeRestored(context, stage) : undefined;
  if (made !== undefined) onEvent({ kind: 'cached', stage });
  onEvent({ kind: 'running', stage });
  refuseFaultyCommand(stage);
  for (const line of commandLines(stage.cmd)) onEvent({ kind: 'command', stage, line });
  if (made !== undefined) return withLock(stage, made);
  return { ...stage, outs: stage.outs.map((out) => ({ ...out, info: undefined })) };
}

/**
 * The stages before this one that would make what it reads anew: with a content that is not known, or not the one that
 * this stage has recorded.
 */
export function uncertainties({ stage, worked }: StageTask): Stage[] {
  if (stage.frozen || stage.cmd === undefined) return [];
  const isUnseen = (out: Out): boolean => {
    const deps = stage.deps.filter(
      ({ path }) => path !== undefined && out.path !== undefined && overlap(path, out.path),
    );
    if (out.info?.md5 === undefined) return deps.length > 0;
    return deps.some(({ path, info }) => path === out.path && info?.md5 !== out.info?.md5);
  };
  return worked.filter((other) => other.cmd !== undefined && !other.frozen && other.outs.some(isUnseen));
}

function overlap(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}

async function wouldBeRestored(context: ReproContext, stage: Stage): Promise<LockedStage | undefined> {
  const { repo } = context;
  try {
    const inputs = await readInputs(repo, stage, { signal: context.signal });
    return findMade(repo, stage, inputs, context.useRunCache ? context.runs : undefined);
  } catch (error) {
    // A dep that a stage before this one would make is not there yet.
    if (isMlopsError(error)) return undefined;
    throw error;
  }
}
