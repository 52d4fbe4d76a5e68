import { randomUUID } from 'node:crypto';

import { didYouMean, messageOf, MlopsError } from '../../base/index.ts';
import type { Notice } from '../../monitor/index.ts';
import type { Channel } from './channel.ts';

export interface ChannelTest {
  readonly channel: string;
  readonly id: string;
  /** Null where it arrived. */
  readonly problem: string | null;
}

/** Sends a notice that says it is a test. @throws MlopsError `usage` for a channel that there is not. */
export async function testChannels(channels: readonly Channel[], only?: string): Promise<ChannelTest[]> {
  const names = channels.map(({ name }) => name);
  if (only !== undefined && !names.includes(only)) {
    const hint = didYouMean(only, names) ?? `channels: ${names.join(', ')}`;
    throw new MlopsError('usage', `monitor.yaml has no channel '${only}'`, { hint });
  }
  const id = randomUUID();
  const wanted = channels.filter(({ name }) => only === undefined || name === only);
  return Promise.all(
    wanted.map(async (channel) => {
      const problem = await channel.send([testNotice(id)], AbortSignal.timeout(10_000)).then(
        () => null,
        (error: unknown) => messageOf(error),
      );
      return { channel: channel.name, id, problem };
    }),
  );
}

function testNotice(id: string): Notice {
  const at = new Date().toISOString();
  const facts = { rule: 'test', on: 'drift', model: null, severity: 'info' } as const;
  return {
    id,
    state: 'firing',
    ...facts,
    text: 'this is a test of the channel',
    value: null,
    threshold: null,
    since: at,
    at,
  };
}
