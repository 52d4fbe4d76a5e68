import * as path from 'node:path';

import { MlopsError } from '../../base/index.ts';
import type { Stage } from '../../project/index.ts';
import { OutTrie, type OwnedOut } from './out-trie.ts';

/** A path as users see it from where they stand. */
export type Display = (file: string) => string;

/** The stages of a project and which of them needs which. */
export interface StageGraph {
  /** In the order of files and of stages in them. */
  readonly stages: readonly Stage[];
  /** What each stage needs, in order of its deps. */
  readonly needs: ReadonlyMap<Stage, ReadonlySet<Stage>>;
  /** What needs each stage. */
  readonly neededBy: ReadonlyMap<Stage, ReadonlySet<Stage>>;
  readonly outs: OutTrie;
}

/**
 * Joins stages by their outputs and deps, and checks that this makes sense.
 *
 * @throws MlopsError `bad_pipeline` for an output made twice, outputs inside each other, a stage file inside
 * an output, cached outputs outside the project, and cycles; in DVC's words.
 */
export function buildGraph(stages: readonly Stage[], display: Display = (file) => file): StageGraph {
  const outs = indexOuts(stages, display);
  for (const stage of stages) {
    const [around] = outs.above(stage.file);
    if (around !== undefined) {
      throw new MlopsError(
        'bad_pipeline',
        `${describe(stage)} is within an output '${display(around.path)}' of another stage`,
      );
    }
  }
  const needs = new Map<Stage, Set<Stage>>(stages.map((stage) => [stage, new Set()]));
  const neededBy = new Map<Stage, Set<Stage>>(stages.map((stage) => [stage, new Set()]));
  for (const stage of stages) {
    for (const producer of producers(stage, outs)) {
      needs.get(stage)?.add(producer);
      neededBy.get(producer)?.add(stage);
    }
  }
  refuseCycles(stages, needs);
  return { stages, needs, neededBy, outs };
}

/** `stage: 'train'`, the way DVC calls one in the middle of a sentence. */
export function describe(stage: Stage): string {
  return `stage: '${stage.address}'`;
}

/** Paths that a stage reads: deps, then params files. Imports from repositories read nothing of this one. */
export function depPaths(stage: Stage): string[] {
  if (stage.deps.some((dep) => dep.repo !== undefined)) return [];
  const deps = stage.deps.map((dep) => dep.path ?? dep.defPath);
  return [...deps, ...stage.params.map((params) => params.path)];
}

/** The stages whose outputs overlap what this one reads. */
function producers(stage: Stage, outs: OutTrie): Stage[] {
  return depPaths(stage).flatMap((dep) => [...outs.above(dep), ...outs.below(dep)].map((owned) => owned.stage));
}

function indexOuts(stages: readonly Stage[], display: Display): OutTrie {
  const trie = new OutTrie();
  for (const stage of stages) {
    for (const out of stage.outs) {
      const owned: OwnedOut = { out, stage, path: out.path ?? path.posix.normalize(out.defPath) };
      const same = trie.get(owned.path);
      if (same !== undefined) throw duplicateOutput(owned, same.stage, display);
      const inside = trie.firstBelow(owned.path);
      if (inside !== undefined) throw overlap(owned, inside, display);
      const [around] = trie.above(owned.path);
      if (around !== undefined) throw overlap(around, owned, display);
      trie.set(owned.path, owned);
    }
  }
  return trie;
}

function duplicateOutput(owned: OwnedOut, other: Stage, display: Display): MlopsError {
  const shown = display(owned.path);
  if (other === owned.stage) {
    return new MlopsError(
      'bad_pipeline',
      `output '${shown}' is already specified in ${describe(other)}.\n` +
        `Use \`dvc remove ${other.address}\` to stop tracking the overlapping output.`,
    );
  }
  const names = [owned.stage.address, other.address].sort();
  return new MlopsError(
    'bad_pipeline',
    `output '${shown}' is specified in:\n${names.map((name) => `\t- ${name}`).join('\n')}\n` +
      'Use `dvc remove` with any of the above targets to stop tracking the overlapping output.',
  );
}

function overlap(outer: OwnedOut, inner: OwnedOut, display: Display): MlopsError {
  const line = ({ path: at, stage }: OwnedOut): string => `'${display(at)}'('${stage.address}')`;
  return new MlopsError(
    'bad_pipeline',
    `The output paths:\n${line(outer)}\n${line(inner)}\n` +
      'overlap and are thus in the same tracked directory.\n' +
      'To keep reproducibility, outputs should be in separate ' +
      'tracked directories or tracked individually.',
  );
}

/** Throws with the members of the first cycle, and the cycle as a path in the hint. */
function refuseCycles(stages: readonly Stage[], needs: ReadonlyMap<Stage, ReadonlySet<Stage>>): void {
  const state = new Map<Stage, 'open' | 'done'>();
  for (const start of stages) {
    if (state.has(start)) continue;
    const trail: { stage: Stage; rest: Iterator<Stage> }[] = [];
    const enter = (stage: Stage): void => {
      state.set(stage, 'open');
      trail.push({ stage, rest: (needs.get(stage) ?? new Set<Stage>()).values() });
    };
    enter(start);
    for (let top = trail.at(-1); top !== undefined; top = trail.at(-1)) {
      const next = top.rest.next();
      if (next.done === true) {
        state.set(top.stage, 'done');
        trail.pop();
      } else if (!state.has(next.value)) enter(next.value);
      else if (state.get(next.value) === 'open') {
        const from = trail.findIndex(({ stage }) => stage === next.value);
        throw cycleError(trail.slice(from).map(({ stage }) => stage));
      }
    }
  }
}

function cycleError(cycle: readonly Stage[]): MlopsError {
  const names = cycle.map((stage) => stage.address);
  const word = names.length === 1 ? 'stage' : 'stages';
  // `needs` points from consumer to producer; a reader follows the data.
  const flow = [...names].reverse();
  return new MlopsError(
    'bad_pipeline',
    `Same item(s) are defined as both a dependency and an output in ${word}: ${names.join(', ')}.`,
    { hint: `the cycle: ${[...flow, flow[0] ?? ''].join(' -> ')}`, data: { cycle: flow } },
  );
}
