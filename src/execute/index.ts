/** Running commands: the port and the kind for local processes. */
export type { CommandResult, CommandSpec, Execution, Executor, Resources } from './executor.ts';
export { localExecutor, type LocalExecutorOptions } from './local.ts';
export { commandLines, shellArgv } from './shell.ts';
