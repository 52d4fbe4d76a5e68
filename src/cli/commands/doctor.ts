import type { Diagnosis } from '../../app/usecases/doctor.ts';
import { examine } from '../../app/usecases/probes.ts';
import type { Command } from '../parse/command.ts';
import { version } from '../parse/version.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { verb as versionVerb, linesOf, tellProblems } from './version.ts';

export const verb: Command = {
  name: 'doctor',
  owner: 'mlops',
  summary: 'Look for what is wrong: programs, remotes, tracking, ports, permissions',
  description:
    'Says on stdout what `version` says, and on stderr what was looked at. Every remote and the tracking server are asked, for five seconds at most.',
  examples: [
    ['mlops doctor', 'what works here, and what to do about the rest'],
    ['mlops doctor --json', 'the same as JSON, for scripts: `checks[].ok`'],
  ],
  flags: [{ name: 'json', summary: 'as JSON' }],
  async run(input, terminal) {
    // DVC's own doctor is another word for `version`.
    if (terminal.asDvc) return versionVerb.run(input, terminal);
    const { cwd, env, signal } = terminal;
    const diagnosis = await terminal.spin('asking remotes and servers', examine(cwd, version, { env, signal }));
    if (input.on('json')) return terminal.json(diagnosis);
    for (const line of linesOf(diagnosis, false)) terminal.print(line);
    tellHealthy(diagnosis, terminal);
    tellProblems(diagnosis, terminal);
  },
};

function tellHealthy({ checks }: Diagnosis, terminal: Terminal): void {
  const healthy = checks.filter((check) => check.ok);
  const column = Math.max(0, ...healthy.map(({ name }) => name.length));
  for (const { name, found } of healthy)
    terminal.note(`${terminal.style.green('ok')}  ${name.padEnd(column)}  ${found}`);
}
