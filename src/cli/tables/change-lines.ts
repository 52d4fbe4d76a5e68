import { pythonJson, PyDate, type PyValue } from '../../base/index.ts';
import type { Change } from '../../repo/stages/stage-changes.ts';

/** A change of a stage as lines for a person: what, and old → new where there are values. */
export function changeLines(change: Change): string[] {
  switch (change.kind) {
    case 'command':
      return [`command: ${commandText(change.old)} → ${commandText(change.now)}`];
    case 'always':
      return ['it always runs (always_changed, or a command without deps and outs)'];
    case 'checksum':
      return ['its .dvc file was edited'];
    case 'dep':
      return [`dep ${change.shown}: ${change.status}`];
    case 'out':
      return [`out ${change.shown}: ${change.status}`];
    case 'params': {
      if (change.status !== undefined) return [`params ${change.shown}: ${change.status}`];
      return change.values.map(
        (value) => `param ${change.shown}:${value.key}: ${valueText(value.old)} → ${valueText(value.now)}`,
      );
    }
    default:
      return change satisfies never;
  }
}

function commandText(command: string | readonly string[] | undefined): string {
  const text = typeof command === 'string' ? command : (command ?? []).join('; ');
  return text === '' ? '(never run)' : JSON.stringify(text.trim());
}

function valueText(value: PyValue | undefined): string {
  if (value === undefined) return '(none)';
  return value instanceof PyDate ? value.text : pythonJson(value, false);
}
