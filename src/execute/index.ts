/** Running commands: the port, the kind for local processes and the one in memory. */
export type { Attached, CommandResult, CommandSpec, Execution, Executor, Resources } from './executor.ts';
export { localExecutor, type LocalExecutorOptions } from './local.ts';
export { memoryExecutor, type MemoryCall, type MemoryProgram } from './memory.ts';
export { commandLines, shellArgv } from './shell.ts';
export { isSameProcess, processBirth } from './process-group.ts';
