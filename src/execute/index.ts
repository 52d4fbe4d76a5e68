/**
 * Running commands: the port, the kind for local processes and the one in memory.
 *
 * Words: an *execution* is a command that was started here; by its *id* another process *attaches* to it; *resources*
 * are what a command takes, *capacity* what all may take together.
 * Never: knows stages, or decides what runs when.
 */
export type { Attached, CommandResult, CommandSpec, Execution, Executor, Resources } from './executor.ts';
export { localExecutor, type LocalExecutorOptions } from './local.ts';
export { memoryExecutor, type MemoryCall, type MemoryProgram } from './memory.ts';
export { commandLines, shellArgv } from './shell.ts';
export { isSameProcess, processBirth, processHome } from './process-group.ts';
