import { describe, onTestFinished } from 'vitest';

import { silentLogger } from '../../base/index.ts';
import { startForTest } from '../../../test/support/serving.ts';
import { inferenceWorker } from '../../../test/support/worker.ts';
import { MemorySource } from '../models/memory-source.ts';
import { mergeSnapshots, takeSnapshot, type ServerSnapshot } from '../numbers/snapshot.ts';
import { HttpCounts } from '../numbers/http-counts.ts';
import { InferencePool } from '../running/inference-pool.ts';
import { Ledger } from '../running/ledger.ts';
import { Repository } from '../running/repository.ts';
import { Scheduler } from '../running/scheduler.ts';
import { Changes, type Party } from './changes.ts';
import { controlContract, times } from './control-contract.ts';
import { Member, type MemberDuties } from './member.ts';
import type { MemberMethods, SupervisorMethods } from './protocol.ts';
import { Rpc } from './rpc.ts';

describe('the control of a server of one process', () => {
  controlContract(async () => {
    const source = new MemorySource().add('m', '1', times(1));
    const server = await startForTest(source, { growing: [source] });
    return { control: server.control, source, repositories: [server.repository] };
  });
});

describe('the control of a server of several processes', () => {
  controlContract(async () => {
    const source = new MemorySource().add('m', '1', times(1));
    const parties: Party[] = [];
    const duties: MemberDuties[] = [];
    const changes = new Changes(() => parties);
    const snapshot = (): ServerSnapshot => mergeSnapshots(duties.map((own) => own.snapshot()));
    const members = [];
    for (const place of [0, 1, 2]) {
      const own = await dutiesOver(source);
      await own.repository.load('m');
      duties.push(own);
      const { member, party } = await joined(changes, place, snapshot);
      parties.push(party);
      members.push(member.serve(own));
      onTestFinished(() => member.leave());
    }
    const [, control] = members;
    if (control === undefined) throw new Error('no member');
    return { control, source, repositories: duties.map(({ repository }) => repository) };
  });
});

/** A member and the supervisor's side of its line; what passes is copied as between processes. */
async function joined(changes: Changes, place: number, snapshot: () => ServerSnapshot) {
  const methods: SupervisorMethods = {
    ...changes.methods,
    hello: () => ({ place, port: 0, ...changes.state() }),
    ready: () => undefined,
    failed: () => undefined,
    snapshot: () => Promise.resolve(snapshot()),
    counts: () => ({ workers: 3, restarts: 0, logTrouble: undefined }),
    log: () => undefined,
  };
  let deliver: (message: unknown) => void = () => undefined;
  const rpc = new Rpc<MemberMethods>((message) => later(deliver, message), methods);
  const line = {
    send: (message: unknown) => later((copy) => rpc.receive(copy), message),
    listen: (take: (message: unknown) => void) => void (deliver = take),
  };
  const member = await Member.over(line, () => undefined);
  return { member, party: { rpc, gone: false } };
}

function later(take: (message: unknown) => void, message: unknown): void {
  const copy: unknown = structuredClone(message);
  setImmediate(() => take(copy));
}

async function dutiesOver(source: MemorySource): Promise<MemberDuties> {
  const pool = new InferencePool({ workerFile: await inferenceWorker(), threads: 1, log: silentLogger });
  const repository = new Repository([{ name: 'm', source }], { pool, log: silentLogger });
  onTestFinished(async () => {
    await repository.close();
    await pool.close();
  });
  const numbers = {
    ...{ repository, ledger: new Ledger(), scheduler: new Scheduler(pool), pool, started: new Date() },
    ...{ http: new HttpCounts(), log: undefined, ready: () => true },
  };
  return { repository, growing: [source], snapshot: () => takeSnapshot(numbers), drain: () => undefined };
}
