/** Serving: ONNX models behind HTTP, in inference threads, with versions that can be swapped. */
export { Member } from './cluster/member.ts';
export { superviseServers } from './cluster/supervisor.ts';
export { FolderSource } from './models/folder-source.ts';
export { MemorySource } from './models/memory-source.ts';
export type { ModelRef, ModelSource, OpenModel } from './models/model-source.ts';
export type { ServedModelSpec } from './running/repository.ts';
export { serve, type RunningServer, type ServeOptions } from './routes/server.ts';
