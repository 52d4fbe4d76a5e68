/**
 * What every room needs and no domain owns: errors and their catalogue, atomic writes, locks, Python's values, SQLite.
 *
 * Words: a *code* names a kind of error for good (`error-codes.ts`); a *Py* value is one as Python would have it,
 * whose text (`1e-05`, `True`) files of DVC hold.
 * Never: knows a project, a remote or a model, or imports another room.
 */
export { temporaryName, writeFileAtomic, type AtomicWriteOptions } from './atomic-file.ts';
export { needsCleanEnd, onCleanEndNeeded } from './clean-end.ts';
export { erf, erfc } from './erf.ts';
export { errorCodes, type ErrorCode, type ErrorCodeEntry } from './error-codes.ts';
export {
  explainSystemError,
  isMlopsError,
  isSystemError,
  messageOf,
  MlopsError,
  orFailure,
  type ErrorDetails,
} from './error.ts';
export { nameFault, dataPathFault, pathFault, privateFolderName } from './file-name.ts';
export { filesBelow } from './files-below.ts';
export { groupBy } from './group-by.ts';
export { removeLeftFolders } from './left-folders.ts';
export { scanJson, type JsonParts } from './json-scanner.ts';
export { lockFile, tryLockFile, type FileLock, type LockOptions } from './lock.ts';
export { keepingLineEnds } from './line-ends.ts';
export { createLogger, silentLogger, type Logger, type LogLevel } from './log.ts';
export { packageFolder } from './package-folder.ts';
export { mapPool } from './pool.ts';
export {
  bigsOf,
  bytesField,
  fields,
  fieldsOf,
  intOf,
  ProtobufError,
  protobufText,
  unsignedOf,
  varintField,
  wire,
  type Field,
} from './protobuf.ts';
export { processIsAlive } from './process-alive.ts';
export { Meter, type OnProgress, type Progress } from './progress.ts';
export {
  compareCodePoints,
  floatRepr,
  fromPlain,
  PyDate,
  pythonEquals,
  PyFloat,
  pythonJson,
  pythonJsonString,
  toPlain,
  type PyMap,
  type PyValue,
} from './python.ts';
export {
  newerSchema,
  openDatabase,
  type Database,
  type Migration,
  type OpenOptions,
  type Statement,
} from './sqlite.ts';
export {
  characterCount,
  didYouMean,
  editDistance,
  formatBytes,
  formatDuration,
  isDecimal,
  nearest,
  parseNumber,
  plural,
  prometheusLabels,
  withoutTrailing,
} from './text.ts';
export { anyCharacter, anyText, matchesWildcard, type WildcardPart } from './wildcard.ts';
export { locateWorker } from './worker-file.ts';
