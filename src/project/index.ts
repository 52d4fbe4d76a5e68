/**
 * The files a user commits: config, `.dvc`, `dvc.yaml`, `dvc.lock`, params, ignore files; read from a `Tree`, written
 * back losslessly.
 *
 * Words: a *stage* is what makes *outs* from *deps* and *params* (a `.dvc` file is a stage without a command); its
 * *address* names it (`train`, `sub/dvc.yaml:train@3`); a *locked* stage is its entry in `dvc.lock`.
 * Never: touches data, the cache or a remote, runs a command, or writes a byte that DVC would write otherwise.
 */
export type {
  ContentInfo,
  Dep,
  HashName,
  LockedStage,
  LockEntry,
  Out,
  ParamsDep,
  RepoSource,
  Stage,
} from './files/stage.ts';
export { parseYaml } from './yaml/read.ts';
export { dumpYaml } from './yaml/write.ts';
export { editYaml, updateYaml } from './yaml/edit.ts';
export type { YamlEdit, YamlPath } from './yaml/diff.ts';
export { formatDvcFile, parseDvcFile, readDvcFile, stageChecksum } from './files/dvc-file.ts';
export { openPipelineFile, PipelineFile, pipelineFileName, type PipelineOptions } from './files/pipeline-file.ts';
export { treePath } from './files/pipeline-stage.ts';
export { globPattern, type Pattern } from './params/glob.ts';
export { flattenParams, getParam, sameValue, valueWith } from './params/keys.ts';
export { parsePythonJson } from './params/json.ts';
export { editPythonParam } from './params/python.ts';
export { editToml } from './params/toml-edit.ts';
export { checkRecordable, currentParams, decodeText, parseDataFile } from './params/read.ts';
export { pythonRepr, pythonStr, shellQuote, type ParsingOptions } from './template/interpolate.ts';
export { defaultParamsFile } from './template/vars.ts';
export { setting, type SettingKind, type SettingOf } from './settings/kinds.ts';
export { describeSettings, type SettingRow } from './settings/describe.ts';
export { parseSettings, type SettingsFile } from './settings/load.ts';
export { readSettings, type Settings } from './settings/mlops-yaml.ts';
export { lockedStageMap, lockFileOf, parseLockedStage, parseLockFile, readLockFile } from './files/lock-file.ts';
export { LockText } from './files/lock-text.ts';
export { putLockedStage } from './files/lock-write.ts';
export { findProject, findProjectRoot, openProject, toTreePath, tryFindProject, type Project } from './open/project.ts';
export { createProjectFiles } from './open/init-project.ts';
export { IgnoreRules, ignoreFileName, type IgnoreVerdict } from './ignore/ignore.ts';
export { namedSection, ProjectConfig, sectionOf, type ConfigEdit, type RemoteConfig } from './config/config.ts';
export { configError, type ConfigSections, type ConfigValue } from './config/text.ts';
export { refuseRecorded } from './config/credential-files.ts';
export { isStorageScheme, schemeOf } from './config/schema.ts';
export { configLevels, type ConfigLevel } from './config/paths.ts';
