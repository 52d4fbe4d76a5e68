import type { LineageNode } from '../../lineage/index.ts';
import type { ModelVersion, Run } from '../../mlflow/index.ts';
import { versionTag } from '../registry/resolve-model.ts';
import type { FileRecord, StageRecord } from './snapshots.ts';

/** What is undefined is left out. */
function facts(known: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined && value !== ''));
}

const none: readonly string[] = [];

/** A path with its content; the same path with other content is another thing. */
export function dataThing({ path, md5, size }: FileRecord): LineageNode {
  const gaps = md5 === undefined ? [`the content of '${path}' was not recorded`] : none;
  return { id: `data:${path}@${md5 ?? ''}`, kind: 'data', name: path, facts: facts({ path, md5, size }), gaps };
}

/** @returns path and md5 of a thing that is data. */
export function fileOf(node: LineageNode): FileRecord | undefined {
  if (node.kind !== 'data') return undefined;
  const { path, md5, size } = node.facts;
  return { path: String(path), md5: md5 as string | undefined, size: size as number | undefined };
}

export function stageThing({ id, address, cmd, params }: StageRecord): LineageNode {
  const gaps = cmd === undefined ? [`the command of '${address}' was not recorded`] : none;
  return { id: `stage:${id}`, kind: 'stage', name: address, facts: facts({ stage: address, cmd, params }), gaps };
}

export function runThing(run: Run): LineageNode {
  const tag = (key: string): string | undefined => run.tags.find((one) => one.key === key)?.value;
  const { id, name, status, startTime } = run.info;
  return {
    id: `run:${id}`,
    kind: 'run',
    name: name === '' ? id : `${name} (${id.slice(0, 8)})`,
    facts: facts({
      run_id: id,
      status,
      started: new Date(startTime).toISOString(),
      user: tag('mlflow.user'),
      command: tag('mlflow.source.name'),
      commit: tag('mlflow.source.git.commit'),
    }),
    gaps: none,
  };
}

export function versionThing(version: ModelVersion): LineageNode {
  const { name, version: number, stage, runId, aliases } = version;
  return {
    id: `version:${name}/${number}`,
    kind: 'version',
    name: `models:/${name}/${number}`,
    facts: facts({
      model: name,
      version: number,
      stage: stage === 'None' ? undefined : stage,
      aliases: aliases.length === 0 ? undefined : aliases,
      run_id: runId,
      md5: versionTag(version, 'mlops.md5'),
      path: versionTag(version, 'mlops.path'),
      commit: versionTag(version, 'mlops.git.commit'),
      signed: versionTag(version, 'mlops.signature') === undefined ? undefined : true,
    }),
    gaps: none,
  };
}

export function commitThing(
  commit: string,
  known: Readonly<Record<string, unknown>>,
  gaps: readonly string[],
): LineageNode {
  return {
    id: `commit:${commit}`,
    kind: 'commit',
    name: commit.slice(0, 12),
    facts: facts({ commit, ...known }),
    gaps,
  };
}

export function sourceThing(name: string, known: Readonly<Record<string, unknown>>): LineageNode {
  return { id: `source:${name}`, kind: 'source', name, facts: facts(known), gaps: none };
}
