import type { TrafficChange, TrafficStore } from '../traffic-store.ts';
import type { RemoteClient } from './client.ts';

/** Rules of a server of ours: each method is a call. Only a server of ours has them. */
export function remoteTraffic(client: RemoteClient): TrafficStore {
  const call = async <Answer>(
    kind: 'read' | 'write',
    method: keyof TrafficStore,
    ...args: readonly unknown[]
  ): Promise<Answer> => {
    const answer = await client.post(`2.0/mlflow/mlops-traffic/${kind}`, { method, args: JSON.stringify(args) });
    return JSON.parse(answer.text('result') ?? 'null') as Answer;
  };
  return {
    lastChange: () => call('read', 'lastChange'),
    listRules: () => call('read', 'listRules'),
    history: (model) => call('read', 'history', model),
    change: async (change, seen) =>
      (await call<TrafficChange | null>('write', 'change', change, ...(seen === undefined ? [] : [seen]))) ?? undefined,
    putCounts: (counts) => call('write', 'putCounts', counts),
    listCounts: (rule) => call('read', 'listCounts', rule),
  };
}
