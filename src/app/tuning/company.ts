import { randomUUID } from 'node:crypto';
import * as os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

import { MlopsError } from '../../base/index.ts';
import { isSameProcess, processBirth, processHome } from '../../execute/index.ts';
import type { Company, StudyRow, StudyState, TrialStore } from '../../tune/index.ts';

/** A process that works on a study, as the study's row tells it. */
export interface Member {
  readonly id: string;
  readonly host: string;
  /** Within which `pid` means something. */
  readonly home: string;
  readonly pid: number;
  readonly born: string | undefined;
  /** When it last said that it is there, by its own clock. */
  readonly beat: number;
  /** It takes over trials from elsewhere: nobody begins one meanwhile. */
  readonly prepares?: boolean;
}

/** How often a member says that it is there, and after how long without it is gone. Milliseconds. */
const beatEvery = 5000;
const goneAfter = 30_000;

/** Who works on a study now, as far as one look can tell. */
export function workersOf(row: StudyRow): readonly Member[] {
  return membersOf(row).filter(
    (member) => livesHere(member) ?? Date.now() - Math.max(member.beat, row.beat) < goneAfter,
  );
}

function membersOf(row: StudyRow): readonly Member[] {
  if (row.owner === '') return [];
  const told = JSON.parse(row.owner) as readonly Member[] | Member;
  // There was one at a time before there were several.
  return Array.isArray(told) ? (told as readonly Member[]) : [{ ...(told as Member), home: '', beat: row.beat }];
}

/** Whether a process of this machine lives; undefined for one of another machine. */
function livesHere({ home, host, pid, born }: Member): boolean | undefined {
  const here = home === '' ? host === os.hostname() : home === processHome();
  return here ? isSameProcess(pid, born) : undefined;
}

/**
 * This process among those that work on a study. Each writes itself into the study's row, over what it has read there
 * alone, says every few seconds that it is there, and takes out who is gone: a dead process of this machine at once,
 * one of another machine when it was silent for half a minute by the clock here, since clocks differ.
 */
export class Membership implements Company {
  readonly me: string;
  readonly #studies: TrialStore;
  readonly #study: string;
  #self: Member;
  #shared = true;
  #beaten = 0;
  /** What others said last, and when that was heard. */
  readonly #heard = new Map<string, { readonly beat: number; readonly at: number }>();

  constructor(studies: TrialStore, study: string, prepares: boolean) {
    this.#studies = studies;
    this.#study = study;
    const [host, { pid }] = [os.hostname().replaceAll('/', '-'), process];
    this.me = `${host}:${pid}:${randomUUID().slice(0, 8)}`;
    const place = { host, home: processHome(), pid, born: processBirth(pid) };
    this.#self = { id: this.me, ...place, beat: Date.now(), ...(prepares ? { prepares } : {}) };
  }

  /** The row's `owner` with this one alone. */
  get alone(): string {
    return JSON.stringify([this.#self]);
  }

  /** Joins. @returns who else is there. @throws MlopsError `tune_busy` where the study is about to stop. */
  async enter(): Promise<readonly Member[]> {
    for (;;) {
      const row = await this.#row();
      const others = this.#others(row);
      if (others.length > 0 && row.state === 'STOPPING') {
        throw new MlopsError('tune_busy', `study '${this.#study}' ends now: somebody asked it to stop`, {
          hint: 'try again when its trials have ended',
        });
      }
      if (others.some(({ prepares }) => prepares === true)) await sleep(200);
      else if (await this.#write(row, [...others, this.#self])) return others;
    }
  }

  /** From now on others may begin trials. */
  async ready(): Promise<void> {
    if (this.#self.prepares !== true) return;
    const { prepares: _, ...self } = this.#self;
    this.#self = self;
    await this.#stay();
  }

  isShared(): boolean {
    return this.#shared;
  }

  async workers(): Promise<ReadonlySet<string>> {
    const others = this.#others(await this.#row());
    return new Set([this.me, ...others.map(({ id }) => id)]);
  }

  /** Looks who is there, and says now and then that this one is. @returns the study's state. */
  async look(): Promise<StudyState> {
    const row = await this.#row();
    this.#others(row);
    if (performance.now() - this.#beaten >= beatEvery) await this.#stay();
    return row.state;
  }

  /** Leaves. The last one says how the study ended. @returns whether this was the last one. */
  async leave(state: StudyState, reason: string): Promise<boolean> {
    let closed = false;
    for (;;) {
      const row = await this.#row();
      const others = this.#others(row);
      if (others.length === 0) await this.#studies.updateStudy(this.#study, { state, reason });
      else if (closed) await this.#studies.updateStudy(this.#study, { state: 'ACTIVE', reason: '' });
      closed = others.length === 0;
      if (await this.#write(row, others)) return closed;
    }
  }

  async #stay(): Promise<void> {
    this.#beaten = performance.now();
    this.#self = { ...this.#self, beat: Date.now() };
    for (;;) {
      const row = await this.#row();
      if (await this.#write(row, [...this.#others(row), this.#self])) return;
    }
  }

  /** Who else is there and not gone. */
  #others(row: StudyRow): readonly Member[] {
    const others = membersOf(row).filter((member) => member.id !== this.me && this.#lives(member));
    this.#shared = others.length > 0;
    return others;
  }

  #lives(member: Member): boolean {
    const here = livesHere(member);
    if (here !== undefined) return here;
    const now = performance.now();
    const heard = this.#heard.get(member.id);
    if (heard?.beat === member.beat) return now - heard.at < goneAfter;
    this.#heard.set(member.id, { beat: member.beat, at: now });
    return true;
  }

  async #row(): Promise<StudyRow> {
    const row = await this.#studies.getStudy(this.#study);
    if (row === undefined) throw new MlopsError('resource_missing', `study '${this.#study}' was deleted`);
    return row;
  }

  /** False, a moment later, where another one has written meanwhile. */
  async #write(row: StudyRow, members: readonly Member[]): Promise<boolean> {
    const owner = members.length === 0 ? '' : JSON.stringify(members);
    if (await this.#studies.claimStudy(this.#study, row.owner, owner, Date.now())) return true;
    await sleep(5 + Math.random() * 50);
    return false;
  }
}
