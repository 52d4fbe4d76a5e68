import { MlopsError } from '../../base/index.ts';
import type { Out, Stage } from '../../project/index.ts';

/** Longest description of a stage in a listing. */
const maxLength = 80;

/** A line of `stage list`: how to address a stage, and what it is or makes. */
export interface StageLine {
  readonly name: string;
  readonly description: string;
}

/** Describes stages as DVC does: the first line of `desc`, else outputs and reports, else deps. */
export function describeStages(stages: readonly Stage[]): StageLine[] {
  return stages.map((stage) => ({ name: stage.address, description: shorten(descriptionOf(stage)) }));
}

function descriptionOf(stage: Stage): string {
  const fault = stage.faults?.get('desc');
  if (fault !== undefined) throw new MlopsError('bad_template', `cannot describe '${stage.address}': ${fault}`);
  const written = stage.desc?.split(/\r\n|\n|\r/).find((line) => line.trim() !== '');
  if (written !== undefined) return written.trim();
  const reads = [...stage.deps.map((dep) => dep.defPath), ...stage.params.map((params) => params.defPath)];
  if (stage.outs.length === 0) {
    return reads.length === 0 ? 'No outputs or dependencies' : `Depends on ${reads.join(', ')}`;
  }
  const reports = stage.outs.filter(isReport);
  const others = stage.outs.filter((out) => !isReport(out));
  const parts: string[] = [];
  if (others.length > 0) parts.push(`Outputs ${names(others)}`);
  if (reports.length > 0) parts.push(`Reports ${names(reports)}`);
  return parts.join('; ');
}

function isReport(out: Out): boolean {
  return out.metric || out.plot !== undefined;
}

function names(outs: readonly Out[]): string {
  return outs.map((out) => out.defPath).join(', ');
}

function shorten(text: string): string {
  const characters = Array.from(text);
  return characters.length <= maxLength ? text : `${characters.slice(0, maxLength - 1).join('')}…`;
}
