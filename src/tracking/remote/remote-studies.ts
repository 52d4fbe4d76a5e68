import type { StudyRow, StudySummary, TrialRow, TrialStore } from '../../tune/index.ts';
import type { RemoteClient } from './client.ts';

/** Studies of a server of ours: each method is a call. Only a server of ours has them. */
export function remoteStudies(client: RemoteClient): TrialStore {
  const call = async <Answer>(
    kind: 'read' | 'write',
    method: keyof TrialStore,
    ...args: unknown[]
  ): Promise<Answer> => {
    const answer = await client.post(`2.0/mlflow/mlops-studies/${kind}`, { method, args: writeJson(args) });
    return readJson(answer.text('result') ?? 'null') as Answer;
  };
  return {
    createStudy: (study) => call('write', 'createStudy', study),
    getStudy: async (name) => (await call<StudyRow | null>('read', 'getStudy', name)) ?? undefined,
    listStudies: () => call('read', 'listStudies'),
    updateStudy: (name, change) => call('write', 'updateStudy', name, change),
    claimStudy: (name, seen, owner, beat) => call('write', 'claimStudy', name, seen, owner, beat),
    deleteStudy: (name) => call('write', 'deleteStudy', name),
    async putTrials(name, trials) {
      for (let i = 0; i < trials.length; i += portion) {
        await call('write', 'putTrials', name, trials.slice(i, i + portion));
      }
    },
    swapTrial: (name, trial, seen) => call('write', 'swapTrial', name, trial, ...(seen === undefined ? [] : [seen])),
    async listTrials(name, { from = 0, limit = Infinity } = {}) {
      const found: TrialRow[] = [];
      for (let next = from; found.length < limit;) {
        const page = await call<TrialRow[]>('read', 'listTrials', name, {
          from: next,
          limit: Math.min(portion, limit - found.length),
        });
        found.push(...page);
        if (page.length < portion) break;
        next = (page.at(-1)?.number ?? next) + 1;
      }
      return found;
    },
    summary: async (name) => {
      const { best, firstStart, lastEnd, ...rest } = await call<StudySummary>('read', 'summary', name);
      return { ...rest, best: best ?? undefined, firstStart: firstStart ?? undefined, lastEnd: lastEnd ?? undefined };
    },
  };
}

/** Trials in one call. */
const portion = 2000;

/** JSON has no infinities, which a loss may be. */
function writeJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    item === Infinity ? '\u0001inf' : item === -Infinity ? '\u0001-inf' : item,
  );
}

function readJson(text: string): unknown {
  return JSON.parse(text, (_, item: unknown) =>
    item === '\u0001inf' ? Infinity : item === '\u0001-inf' ? -Infinity : item,
  );
}

export const studyCalls = { writeJson, readJson };
