import { diagnose, type Diagnosis } from '../../app/usecases/doctor.ts';
import type { Command } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { dvcVersion, version } from '../parse/version.ts';

export const verb: Command = {
  name: 'version',
  owner: 'dvc',
  summary: 'Tell about this program, the machine and the project',
  examples: [
    ['mlops version', 'what a bug report needs; problems are told on stderr'],
    ['mlops version --json', 'the same as JSON'],
  ],
  flags: [{ name: 'json', summary: 'as JSON, with all checks' }],
  run(input, terminal) {
    const diagnosis = diagnose(terminal.cwd, version);
    if (input.on('json')) return terminal.json(diagnosis);
    for (const line of linesOf(diagnosis, terminal.asDvc)) terminal.print(line);
    tellProblems(diagnosis, terminal);
  },
};

/** Laid out as `dvc version` does. */
export function linesOf(diagnosis: Diagnosis, asDvc: boolean): string[] {
  const title = asDvc ? `DVC version: ${dvcVersion} (npm)` : `mlops version: ${diagnosis.version} (npm)`;
  const lines = [title, '-'.repeat(title.length), `Platform: ${diagnosis.platform}`, 'Supports:'];
  lines.push(...diagnosis.supports.map((scheme, i) => `\t${scheme}${i < diagnosis.supports.length - 1 ? ',' : ''}`));
  lines.push('Config:', `\tGlobal: ${diagnosis.configFiles['global']}`, `\tSystem: ${diagnosis.configFiles['system']}`);
  const { project } = diagnosis;
  if (project === undefined) return lines;
  const kinds = [...new Set(project.remotes.map((url) => /^(\w+):\/\//.exec(url)?.[1] ?? 'local'))];
  lines.push('Caches: local', `Remotes: ${kinds.length === 0 ? 'None' : kinds.join(', ')}`);
  lines.push(`Workspace directory: ${project.root}`, `Repo: ${project.git ? 'dvc, git' : 'dvc (no_scm)'}`);
  return lines;
}

export function tellProblems(diagnosis: Diagnosis, terminal: Terminal): void {
  const broken = diagnosis.checks.filter((check) => !check.ok);
  for (const { name, found, hint } of broken)
    terminal.warn(`${name}: ${found}${hint === undefined ? '' : `; ${hint}`}`);
  if (broken.length === 0) terminal.note(`all ${diagnosis.checks.length} checks passed`);
}
