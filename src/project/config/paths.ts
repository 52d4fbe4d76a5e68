import * as os from 'node:os';
import * as path from 'node:path';

import type { ConfigSections } from './text.ts';

/** From lowest to highest rank. */
export const configLevels = ['system', 'global', 'repo', 'local'] as const;

export type ConfigLevel = (typeof configLevels)[number];

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the config files are; those of a repository only with its `.dvc` folder. */
export function configFiles(
  dvcDir: string | undefined,
  env: Environment = process.env,
): Readonly<Partial<Record<ConfigLevel, string>>> {
  const files: Partial<Record<ConfigLevel, string>> = {
    system: path.join(systemFolder(env), 'config'),
    global: path.join(globalFolder(env), 'config'),
  };
  if (dvcDir !== undefined) {
    files.repo = path.join(dvcDir, 'config');
    files.local = path.join(dvcDir, 'config.local');
  }
  return files;
}

function systemFolder(env: Environment): string {
  const given = env['DVC_SYSTEM_CONFIG_DIR'];
  if (given !== undefined && given !== '') return given;
  if (process.platform === 'darwin') return '/Library/Application Support/dvc';
  if (process.platform === 'win32') return path.join(env['PROGRAMDATA'] ?? 'C:\\ProgramData', 'iterative', 'dvc');
  const folder = (env['XDG_CONFIG_DIRS'] ?? '').split(':')[0] ?? '';
  return path.join(folder === '' ? '/etc/xdg' : folder, 'dvc');
}

function globalFolder(env: Environment): string {
  const given = env['DVC_GLOBAL_CONFIG_DIR'];
  if (given !== undefined && given !== '') return given;
  const home = env['HOME'] ?? os.homedir();
  if (process.platform === 'darwin') return path.join(home, 'Library', 'Application Support', 'dvc');
  if (process.platform === 'win32') return path.join(env['LOCALAPPDATA'] ?? home, 'iterative', 'dvc');
  const config = env['XDG_CONFIG_HOME'];
  return path.join(config === undefined || config === '' ? path.join(home, '.config') : config, 'dvc');
}

const remotePaths = new Set(
  'url gdrive_user_credentials_file gdrive_service_account_json_file_path credentialpath configpath keyfile cert_path key_path'.split(
    ' ',
  ),
);

/** True for options that hold a path relative to their config file. */
export function isPathOption(section: string, option: string): boolean {
  if (section.startsWith('remote "')) return remotePaths.has(option);
  return section === 'cache' && option === 'dir';
}

/** Makes the paths in a file's sections absolute; URLs stay. */
export function resolvePaths(sections: ConfigSections, folder: string): void {
  for (const [section, options] of sections) {
    for (const [option, value] of options) {
      if (typeof value === 'string' && isPathOption(section, option)) options.set(option, resolvePath(value, folder));
    }
  }
}

/** A path option as commands use it. */
export function resolvePath(value: string, folder: string): string {
  if (isUrl(value) || path.isAbsolute(value)) return value;
  if (value === '~' || value.startsWith('~/')) return path.join(process.env['HOME'] ?? os.homedir(), value.slice(1));
  return path.resolve(folder, value);
}

/** A path that a user gave, relative to where they are, as a config file in `folder` holds it. */
export function storedPath(value: string, cwd: string, folder: string): string {
  if (isUrl(value) || path.isAbsolute(value) || value === '~' || value.startsWith('~/')) return value;
  const relative = path.relative(folder, path.resolve(cwd, value));
  return (relative === '' ? '.' : relative).split(path.sep).join('/');
}

function isUrl(value: string): boolean {
  return /^\w+:\/\//.test(value);
}
