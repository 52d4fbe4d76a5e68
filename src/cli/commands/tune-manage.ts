import { trackingPlace } from '../../app/places/tracking-home.ts';
import { applyTrial } from '../../app/tuning/apply-best.ts';
import { workersOf } from '../../app/tuning/company.ts';
import { studyNamed } from '../../app/tuning/open-tune.ts';
import { studyReport } from '../../app/tuning/read-studies.ts';
import { MlopsError, plural } from '../../base/index.ts';
import { trialOf } from '../../tune/index.ts';
import type { Command } from '../parse/command.ts';
import { showParams } from '../tables/tune-tables.ts';
import { studyArg } from './tune-input.ts';
import { jsonFlag, trialCount, withStudies } from './tune-show.ts';

export const stop: Command = {
  name: 'tune stop',
  owner: 'mlops',
  summary: 'Let a study that runs come to its end: no new trial begins',
  examples: [['mlops tune stop cnn-lr', 'the trials that run still end']],
  args: [studyArg],
  flags: [jsonFlag],
  run: (input, terminal) =>
    withStudies(terminal, async (studies) => {
      const row = await studyNamed(studies, input.args[0]);
      const works = workersOf(row).length > 0;
      if (works) await studies.updateStudy(row.name, { state: 'STOPPING' });
      if (input.on('json')) terminal.json({ study: row.name, stopping: works });
      else terminal.print(works ? `${row.name}: ends after the trials that run` : `${row.name}: nobody works on it`);
    }),
};

export const remove: Command = {
  name: 'tune delete',
  aliases: ['rm'],
  owner: 'mlops',
  summary: 'Delete a study with its trials; the runs stay',
  examples: [
    ['mlops tune delete cnn-lr', 'asks first'],
    ['mlops tune delete cnn-lr --dry-run', 'only say what would go'],
  ],
  args: [{ name: 'study', summary: 'the study' }],
  flags: [
    { name: 'force', short: 'f', summary: 'do not ask' },
    { name: 'dry-run', summary: 'delete nothing' },
    jsonFlag,
  ],
  run: (input, terminal) =>
    withStudies(terminal, async (studies) => {
      const row = await studyNamed(studies, input.args[0]);
      if (workersOf(row).length > 0) {
        throw new MlopsError('tune_busy', `study '${row.name}' is being worked on`, {
          hint: 'end it first: mlops tune stop',
        });
      }
      const count = trialCount(await studies.summary(row.name));
      const what = `study '${row.name}' with ${plural(count, 'trial')}`;
      const dry = input.on('dry-run');
      if (!dry && !input.on('force') && !(await terminal.confirm(`Delete ${what}?`, { must: true }))) return 1;
      if (!dry) await studies.deleteStudy(row.name);
      if (input.on('json')) terminal.json({ study: row.name, trials: count, deleted: !dry });
      else terminal.print(`${dry ? 'would delete' : 'deleted'} ${what}`);
      return 0;
    }),
};

export const apply: Command = {
  name: 'tune apply',
  owner: 'mlops',
  summary: 'Write the best params into the params files, or into a branch',
  examples: [
    ['mlops tune apply', 'those of the best trial, into params.yaml; comments stay'],
    ['mlops tune apply crops --trial 17 --branch cheap', 'those of another trial, into a new branch'],
  ],
  args: [studyArg],
  flags: [
    { name: 'trial', value: 'N', integer: true, summary: 'another trial than the best' },
    { name: 'branch', value: 'NAME', summary: 'into a new branch; the workspace stays as it is' },
    { name: 'dry-run', summary: 'write nothing' },
    jsonFlag,
  ],
  run: (input, terminal) =>
    withStudies(terminal, async (studies) => {
      const { row, spec, best } = await studyReport(studies, input.args[0]);
      const number = input.number('trial');
      const [asked] = number === undefined ? [] : await studies.listTrials(row.name, { from: number, limit: 1 });
      const trial = number === undefined ? best[0] : asked?.number === number ? trialOf(asked, row.name) : undefined;
      if (trial === undefined) {
        const what = number === undefined ? 'no complete trial yet' : `no trial ${number}`;
        throw new MlopsError('resource_missing', `study '${row.name}' has ${what}`);
      }
      if (number === undefined && best.length > 1) {
        throw new MlopsError('usage', `study '${row.name}' has ${best.length} trials on its front: which one?`, {
          hint: `--trial ${best
            .map((each) => each.number)
            .slice(0, 12)
            .join(', ')}`,
        });
      }
      const { root } = trackingPlace(terminal.cwd, terminal.env);
      const dry = input.on('dry-run');
      const { files, branch } = applyTrial(root, spec, trial, { branch: input.text('branch'), dry });
      if (input.on('json'))
        terminal.json({ study: row.name, trial: trial.number, params: trial.params, files, branch: branch ?? null });
      else
        terminal.print(
          `${dry ? 'would write' : 'wrote'} trial ${trial.number} to ${branch === undefined ? files.join(', ') : `branch ${branch}`}: ${showParams(trial.params)}`,
        );
      if (!dry && branch === undefined) terminal.next('mlops repro');
    }),
};
