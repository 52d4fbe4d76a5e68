import { expect, it } from 'vitest';

import type { Recorder, StageEnd, StageRecorder, StageStart } from './recorder.ts';

/** What every kind of `Recorder` must do; called inside a `describe` of its own tests. */
export function recorderContract(make: () => Promise<Recorder> | Recorder): void {
  const start = (stage: string): StageStart => ({
    stage,
    command: 'true',
    cwd: '/',
    startedAt: 1000,
    outs: [],
    dvclive: undefined,
  });
  const end = (status: StageEnd['status']): StageEnd => ({
    status,
    endedAt: 2000,
    params: new Map(),
    lineage: [{ path: 'data.csv', role: 'dep', md5: '0'.repeat(32), size: 1 }],
    reports: ['/no/such/report.json'],
    logTail: 'done\n',
    exitCode: status === 'ran' ? 0 : 1,
  });

  it('records stages side by side, and gives each the environment of its own', async () => {
    const recorder = await make();
    recorder.prepare();
    await recorder.begin({ command: 'repro', stages: ['a', 'b'], startedAt: 1000 });
    const stages = await Promise.all(['a', 'b'].map((name): Promise<StageRecorder> => recorder.stage(start(name))));
    const ids = stages.map(({ env }) => env['MLOPS_RUN_ID'] ?? env['MLFLOW_RUN_ID']);
    for (const { env } of stages) for (const value of Object.values(env)) expect(typeof value).toBe('string');
    if (ids[0] !== undefined) expect(ids[0]).not.toBe(ids[1]);
    stages[0]?.metric('loss', 0.5, 1, 1500);
    await stages[1]?.end(end('failed'));
    await stages[0]?.end(end('ran'));
    await recorder.end('failed', []);
  });

  it('ends without a stage, and without having begun', async () => {
    const begun = await make();
    await begun.begin({ command: 'repro', stages: [], startedAt: 1000 });
    await begun.end('finished', []);
    const idle = await make();
    expect(await idle.end('killed', [])).toBeUndefined();
  });
}
