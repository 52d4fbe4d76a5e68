/** Serving: ONNX models behind HTTP, in inference threads, with versions that can be swapped. */
export { Member } from './cluster/member.ts';
export { superviseServers } from './cluster/supervisor.ts';
export { FolderSource } from './folder-source.ts';
export { MemorySource } from './memory-source.ts';
export type { ModelRef, ModelSource, OpenModel } from './model-source.ts';
export type { ServedModelSpec } from './repository.ts';
export { serve, type RunningServer, type ServeOptions } from './server.ts';
