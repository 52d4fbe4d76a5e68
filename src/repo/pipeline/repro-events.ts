import type { TreePath } from '../../git/index.ts';
import type { Stage } from '../../project/index.ts';
import type { Change } from '../stages/stage-changes.ts';

/** What a repro tells while it works, in order; with several stages at a time their events mix. */
export type ReproEvent =
  | {
      readonly kind: 'plan';
      readonly stages: readonly Stage[];
      /** The stages that one waits for. */
      readonly needs: (stage: Stage) => readonly Stage[];
    }
  | { readonly kind: 'unchanged'; readonly stage: Stage }
  /** A stage is taken up after another one that did something: DVC prints an empty line. */
  | { readonly kind: 'gap' }
  | { readonly kind: 'changed'; readonly stage: Stage; readonly changes: readonly Change[] }
  /** In a dry run: the stage as it is now is up to date, but these before it would run. */
  | { readonly kind: 'uncertain'; readonly stage: Stage; readonly since: readonly Stage[] }
  | { readonly kind: 'pulling'; readonly stage: Stage }
  | { readonly kind: 'running'; readonly stage: Stage }
  | { readonly kind: 'command'; readonly stage: Stage; readonly line: string }
  | {
      readonly kind: 'output';
      readonly stage: Stage;
      readonly chunk: Uint8Array;
      readonly stream: 'stdout' | 'stderr';
    }
  | { readonly kind: 'cached'; readonly stage: Stage }
  | { readonly kind: 'verifying'; readonly stage: Stage }
  | { readonly kind: 'lock-generated'; readonly file: TreePath }
  | { readonly kind: 'lock-updated'; readonly file: TreePath }
  | {
      readonly kind: 'done';
      readonly stage: Stage;
      readonly how: 'ran' | 'cached' | 'verified';
      readonly milliseconds: number;
    }
  | { readonly kind: 'failed'; readonly stage: Stage; readonly error: Error; readonly ignored: boolean }
  /** Stages that are left out because one they need failed. */
  | { readonly kind: 'blocked'; readonly stages: readonly Stage[] }
  | { readonly kind: 'warning'; readonly message: string };

export type OnReproEvent = (event: ReproEvent) => void;

/** A stage in DVC's words on stdout, or undefined for events that DVC is silent about. */
export function reproText(event: ReproEvent): string | undefined {
  switch (event.kind) {
    case 'unchanged': {
      const { kind, address } = event.stage;
      return kind === 'data' ? `'${address}' didn't change, skipping` : `Stage '${address}' didn't change, skipping`;
    }
    case 'gap':
      return '';
    case 'pulling':
      return `Pulling data for stage: '${event.stage.address}'`;
    case 'running':
      return `Running stage '${event.stage.address}':`;
    case 'command':
      return `> ${event.line}`;
    case 'cached':
      return `Stage '${event.stage.address}' is cached - skipping run, checking out outputs`;
    case 'verifying': {
      const what = event.stage.frozen ? 'outputs in frozen ' : 'data sources in ';
      return `Verifying ${what}stage: '${event.stage.address}'`;
    }
    case 'lock-generated':
      return `Generating lock file '${event.file}'`;
    case 'lock-updated':
      return `Updating lock file '${event.file}'`;
    default:
      return undefined;
  }
}
