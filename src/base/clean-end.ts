let begin: (() => void) | undefined;

/** For the start of a process: what to do when the first thing is about to begin that wants a clean end. */
export function onCleanEndNeeded(listen: () => void): void {
  begin = listen;
}

/**
 * Something begins that should be ended rather than cut off: a temporary file, a thread, a program, a request. Until
 * then a signal has the system's effect, at once, however long is computed.
 */
export function needsCleanEnd(): void {
  const listen = begin;
  begin = undefined;
  listen?.();
}
