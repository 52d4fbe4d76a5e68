import * as fs from 'node:fs';
import * as path from 'node:path';

const ignoreTemplate = `# Add patterns of files dvc should ignore, which could improve
# the performance. Learn more at
# https://dvc.org/doc/user-guide/dvcignore
`;

/**
 * Writes the files of an empty project exactly as `dvc init` does; an existing `.dvcignore` stays. The
 * caller has made sure that there is no `.dvc` folder.
 *
 * @returns the files that belong into Git, absolute.
 */
export function createProjectFiles(root: string, noScm: boolean): string[] {
  const dvcDir = path.join(root, '.dvc');
  fs.mkdirSync(path.join(dvcDir, 'tmp'), { recursive: true });
  const config = path.join(dvcDir, 'config');
  fs.writeFileSync(config, noScm ? '[core]\n    no_scm = True\n' : '');
  fs.writeFileSync(path.join(dvcDir, 'tmp', 'btime'), '');
  const ignore = path.join(root, '.dvcignore');
  if (!fs.existsSync(ignore)) fs.writeFileSync(ignore, ignoreTemplate);
  if (noScm) return [];
  const gitignore = path.join(dvcDir, '.gitignore');
  fs.writeFileSync(gitignore, '/config.local\n/tmp\n/cache\n');
  return [config, ignore, gitignore];
}
