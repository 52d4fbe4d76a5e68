import { plural } from '../../base/index.ts';
import { fsck, type FsckReport } from '../../repo/sync/fsck.ts';
import type { Command } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { withRepo } from '../session/data-session.ts';

export const verb: Command = {
  name: 'fsck',
  owner: 'mlops',
  summary: 'Re-hash everything in the cache and heal what is corrupt',
  description:
    'Reads every object and compares its content with its name, and looks whether everything that the workspace tracks is there. --repair deletes what is corrupt and brings it back from the other side.',
  examples: [
    ['mlops fsck', 'check the cache'],
    ['mlops fsck --remote --repair', 'check cache and remote, heal each from the other'],
  ],
  flags: [
    {
      name: 'remote',
      short: 'r',
      value: 'NAME',
      optionalValue: true,
      summary: 'check the remote too (the default one unless named)',
      completes: 'remote',
    },
    { name: 'repair', summary: 'heal what is corrupt or missing from the other side' },
    { name: 'json', summary: 'as JSON' },
  ],
  exits: { 1: 'something is corrupt or missing, and was not healed' },
  async run(input, terminal) {
    const report = await withRepo(terminal, (repo) =>
      fsck(repo, {
        remote: input.given('remote') ? (input.text('remote') ?? '') : undefined,
        repair: input.on('repair'),
        signal: terminal.signal,
        onProgress: terminal.progress,
      }),
    );
    if (input.on('json')) terminal.json(report);
    else show(terminal, report);
    return report.healed.length < report.findings.length ? 1 : 0;
  },
};

function show(terminal: Terminal, report: FsckReport): void {
  const healed = new Set(report.healed);
  for (const finding of report.findings) {
    terminal.print(
      `${finding.problem} in the ${finding.where}: ${finding.md5}${healed.has(finding) ? ' (healed)' : ''}`,
    );
  }
  const { cache, remote } = report.checked;
  const where = remote === undefined ? 'the cache' : 'cache and remote';
  const count = cache + (remote ?? 0);
  if (report.findings.length === 0)
    terminal.print(`${plural(count, 'object')} checked: ${where} ${remote === undefined ? 'is' : 'are'} sound.`);
  else {
    const open = report.findings.length - report.healed.length;
    terminal.print(
      `${plural(count, 'object')} checked, ${plural(report.findings.length, 'problem')}, ${report.healed.length} healed.`,
    );
    if (open > 0) terminal.next('mlops fsck --remote --repair heals what the other side still has');
  }
}
