import * as fs from 'node:fs';
import * as path from 'node:path';

import { MlopsError, writeFileAtomic, type PyMap, type PyValue } from '../../base/index.ts';
import { installHooks, installMergeDriver, requireGitRoot } from '../../git/index.ts';
import { editYaml, findProject, parseYaml } from '../../project/index.ts';

const hookNames = ['post-checkout', 'pre-commit', 'pre-push'] as const;

/**
 * Makes Git run `status` before a commit, `checkout` after a checkout and `push` before a push, and merge
 * `.dvc` files of folders by their content.
 *
 * @param preCommitTool add them to `.pre-commit-config.yaml` instead of Git's own hooks.
 * @throws MlopsError `not_a_project`, `not_a_git_repo`, `git_failed` when a hook is there already.
 */
export function installGitHooks(cwd: string, preCommitTool: boolean): void {
  const project = findProject(cwd);
  if (project.noScm) return;
  const gitRoot = requireGitRoot(project.root);
  const driver = 'mlops git-hook merge-driver --ancestor %O --our %A --their %B ';
  installMergeDriver(gitRoot, 'dvc', 'DVC merge driver', driver);
  if (preCommitTool) addToPreCommit(path.join(gitRoot, '.pre-commit-config.yaml'));
  else installHooks(gitRoot, Object.fromEntries(hookNames.map((name) => [name, `exec mlops git-hook ${name} "$@"`])));
}

function addToPreCommit(file: string): void {
  const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
  const config = parseYaml(text, file) ?? new Map();
  if (!(config instanceof Map)) throw new MlopsError('bad_project_file', `'${file}' does not hold a mapping`);
  const repos = config.get('repos');
  const known = Array.isArray(repos) ? repos : undefined;
  if (known?.some((repo) => repo instanceof Map && JSON.stringify([...repo.values()].map(hookIds)).includes('mlops-')))
    return;
  const edited =
    known === undefined
      ? editYaml(text, file, [{ op: 'set', path: ['repos'], value: [localRepo()] }])
      : editYaml(text, file, [{ op: 'append', path: ['repos'], value: localRepo() }]);
  writeFileAtomic(file, edited);
}

function hookIds(hooks: PyValue): PyValue[] {
  return Array.isArray(hooks) ? hooks.map((hook) => (hook instanceof Map ? (hook.get('id') ?? null) : null)) : [];
}

function localRepo(): PyMap {
  const hooks = hookNames.map((name): PyMap => {
    const hook: PyMap = new Map<PyValue, PyValue>([
      ['id', `mlops-${name}`],
      ['name', `mlops ${name}`],
      ['entry', `mlops git-hook ${name}`],
      ['language', 'system'],
      ['stages', [name]],
      ['pass_filenames', false],
    ]);
    return name === 'pre-commit' ? hook : hook.set('always_run', true);
  });
  return new Map<PyValue, PyValue>([
    ['repo', 'local'],
    ['hooks', hooks],
  ]);
}
