/**
 * Port: work that exactly one of the processes on a store does. Who takes a duty holds it for a while and renews that;
 * when the holder dies or stands still, another takes it over. It is a row, not a lock of a connection: a lock would
 * stay with a process that stands still, and is lost behind a pooler that shares connections.
 */
export interface DutyStore {
  /** Takes or renews a duty for `lease` milliseconds. @returns whether it is the holder's. */
  takeDuty(name: string, holder: string, lease: number): Promise<boolean>;
  /** Gives it up, so that another need not wait. */
  leaveDuty(name: string, holder: string): Promise<void>;
}
