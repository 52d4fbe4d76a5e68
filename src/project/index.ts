/** The files a user commits: config, `.dvc`, `dvc.yaml`, `dvc.lock`, params, ignore files; read from a `Tree`, written back losslessly. */
export type { ContentInfo, Dep, HashName, LockedStage, LockEntry, Out, ParamsDep, RepoSource, Stage } from './stage.ts';
export { parseYaml, parseYamlWithPositions, type PositionedYaml } from './yaml-read.ts';
export { dumpYaml } from './yaml-write.ts';
export { editYaml, updateYaml } from './yaml-edit.ts';
export type { YamlEdit, YamlPath } from './yaml-diff.ts';
export { formatDvcFile, parseDvcFile, readDvcFile, stageChecksum } from './dvc-file.ts';
export { openPipelineFile, PipelineFile, pipelineFileName, type PipelineOptions } from './pipeline-file.ts';
export { checkPipelineFile } from './pipeline-schema.ts';
export { treePath } from './pipeline-stage.ts';
export { flattenParams, getParam, globPattern } from './params-keys.ts';
export { parsePythonJson } from './params-json.ts';
export { checkRecordable, currentParams, decodeText, parseDataFile, readDataFile } from './params-read.ts';
export { pythonRepr, pythonStr, shellQuote, typeName, type ParsingOptions } from './template-interpolate.ts';
export { defaultParamsFile } from './template-vars.ts';
export { readSettings, type Settings } from './settings.ts';
export { contentInfoOf, lockEntryMap } from './content-entry.ts';
export { lockedStageMap, lockFileOf, parseLockedStage, parseLockFile, readLockFile } from './lock-file.ts';
export { putLockedStage } from './lock-write.ts';
export {
  ensureStateDir,
  findProject,
  findProjectRoot,
  fromTreePath,
  openProject,
  projectAt,
  toTreePath,
  tryFindProject,
  type Project,
} from './project.ts';
export { createProjectFiles } from './init-project.ts';
export { IgnoreRules, ignoreFileName, type IgnoreVerdict } from './ignore.ts';
export { namedSection, ProjectConfig, remoteName, sectionOf, type ConfigEdit, type RemoteConfig } from './config.ts';
export { configError, type ConfigSections, type ConfigValue } from './config-text.ts';
export { configLevels, type ConfigLevel } from './config-paths.ts';
export { sectionNames as configSectionNames } from './config-schema.ts';
