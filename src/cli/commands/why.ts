import { toPlain } from '../../base/index.ts';
import { explainStage } from '../../repo/pipeline/explain.ts';
import type { Change } from '../../repo/stages/stage-changes.ts';
import { changeLines } from '../tables/change-lines.ts';
import type { Command } from '../parse/command.ts';
import { withRepo } from '../session/data-session.ts';

export const verb: Command = {
  name: 'why',
  owner: 'mlops',
  summary: 'Say why a stage would run',
  description: 'Names what changed since the stage last ran: command, deps, params with old and new values, outputs.',
  examples: [
    ['mlops why train', 'what changed for train, and in what it needs'],
    ['mlops why train --json', 'for scripts'],
  ],
  args: [{ name: 'stage', summary: 'name of a stage', completes: 'stage' }],
  flags: [{ name: 'json', summary: 'as JSON' }],
  run: (input, terminal) =>
    withRepo(terminal, async (repo) => {
      const { stage, changes, pending } = await explainStage(repo, input.args[0] ?? '', terminal.signal);
      if (input.on('json')) {
        terminal.json({
          stage: stage.address,
          changes: changes.map(plainChange),
          pending: pending.map((other) => ({ stage: other.stage.address, changes: other.changes.map(plainChange) })),
        });
        return;
      }
      if (changes.length === 0 && pending.length === 0) terminal.print(`${stage.address} is up to date`);
      for (const other of pending) {
        terminal.print(`${other.stage.address} runs first:`);
        for (const line of other.changes.flatMap(changeLines)) terminal.print(`  ${line}`);
      }
      if (changes.length === 0 && pending.length > 0) {
        terminal.print(`${stage.address} runs if that changes what it reads`);
      } else if (changes.length > 0) {
        terminal.print(`${stage.address} runs:`);
        for (const line of changes.flatMap(changeLines)) terminal.print(`  ${line}`);
      }
    }),
};

function plainChange(change: Change): unknown {
  switch (change.kind) {
    case 'command':
      return { kind: change.kind, old: change.old, new: change.now };
    case 'dep':
    case 'out':
      return { kind: change.kind, path: change.shown, status: change.status };
    case 'params':
      return {
        kind: change.kind,
        path: change.shown,
        status: change.status,
        values: change.values.map(({ key, status, old, now }) => ({
          key,
          status,
          old: old === undefined ? undefined : toPlain(old),
          new: now === undefined ? undefined : toPlain(now),
        })),
      };
    default:
      return { kind: change.kind };
  }
}
