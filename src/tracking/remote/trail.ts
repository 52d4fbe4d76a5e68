import type { ModelVersion, Tag } from '../../mlflow/index.ts';
import type { Promotion } from '../types.ts';

const prefix = 'mlops.moved.';

interface Move {
  /** Default: a change of stage, as the first releases wrote it. */
  readonly kind?: 'stage' | 'alias' | undefined;
  readonly from: string;
  readonly to: string;
  readonly by?: string | undefined;
  readonly why?: string | undefined;
  /** Milliseconds. */
  readonly at: number;
}

/** A change of stage, or an alias, as a tag of its version, for servers that keep no audit trail. */
export function trailTag(move: Move): Tag {
  return { key: `${prefix}${move.at}`, value: JSON.stringify(move) };
}

/** The trail of some versions from their tags, oldest first. */
export function readTrail(versions: readonly ModelVersion[]): Promotion[] {
  return versions.flatMap((version) => [registration(version), ...moves(version)]).sort((a, b) => a.at - b.at);
}

function registration({ name, version, userId, creationTime }: ModelVersion): Promotion {
  return { name, version, kind: 'register', from: '', to: 'None', by: userId, at: creationTime, why: '' };
}

function moves({ name, version, tags }: ModelVersion): Promotion[] {
  return tags
    .filter(({ key }) => key.startsWith(prefix))
    .flatMap(({ value }): Promotion[] => {
      try {
        const { kind = 'stage', from, to, by = '', why = '', at } = JSON.parse(value) as Move;
        return [{ name, version, kind, from, to, by, why, at }];
      } catch {
        // A tag of that name that someone else wrote.
        return [];
      }
    });
}
