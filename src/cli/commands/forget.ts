import { forget } from '../../app/lineage/forget.ts';
import { planForget, type ForgetPlan } from '../../app/lineage/forget-plan.ts';
import { openPlace, trackingPlace } from '../../app/places/tracking-home.ts';
import { MlopsError, plural } from '../../base/index.ts';
import type { Command } from '../parse/command.ts';
import { withPlaces } from '../session/lineage-places.ts';
import { textTable } from '../tables/text-table.ts';
import { userName } from './models-input.ts';
import { logFlag, logOf } from './monitor-input.ts';

export const verb: Command = {
  name: 'forget',
  owner: 'mlops',
  summary: 'Plan, and carry out, that a file or rows are forgotten everywhere',
  description:
    'Lists what would have to go for all that a path had in any commit (or an md5, or the contents that hold some rows): objects in the cache and the remotes, lists of folders that name it, what stages made of it, entries of the run cache, copies in artifacts, models that came of it, records of the prediction log. Nothing is changed without --apply, which asks for the name to be typed back (or given by --confirm), and leaves a tombstone: a run of the experiment `mlops forget`.',
  examples: [
    ['mlops forget photos/0042.jpg', 'what would have to go'],
    ['mlops forget photos/0042.jpg --apply --confirm photos/0042.jpg', 'do it, in a script'],
    ['mlops forget patients.csv --rows 17,42', 'all contents of a table that hold these rows'],
  ],
  args: [{ name: 'thing', summary: 'a path as DVC tracks it, or an md5', completes: 'target' }],
  flags: [
    { name: 'rows', value: 'ID,...', summary: 'only contents with these rows' },
    { name: 'column', value: 'NAME', summary: 'the column that tells rows apart (meta.row_id of a stage)' },
    { name: 'plan', summary: 'only say what would have to go (default)' },
    { name: 'apply', summary: 'do it' },
    { name: 'confirm', value: 'NAME', summary: 'the name, typed again' },
    { name: 'reason', value: 'TEXT', summary: 'kept in the tombstone' },
    { name: 'json', summary: 'print JSON' },
    logFlag,
  ],
  async run(input, terminal) {
    const [thing = ''] = input.args;
    const apply = input.on('apply');
    if (apply && input.on('plan')) throw new MlopsError('usage', '--plan changes nothing, --apply does: give one');
    // What is recorded nowhere else, the tombstone, needs a store.
    if (apply) await (await openPlace(trackingPlace(terminal.cwd, terminal.env), { signal: terminal.signal })).close();
    await withPlaces(
      terminal,
      logOf(input, terminal),
      async (places) => {
        const { repo, store } = places;
        if (repo === undefined) throw new MlopsError('not_a_project', 'you are not inside of a project');
        const rows = (input.text('rows') ?? '').split(',').flatMap((row) => (row.trim() === '' ? [] : [row.trim()]));
        const column = input.text('column');
        const plan = await planForget({ thing, rows, column, signal: terminal.signal }, { ...places, repo });
        if (input.on('json')) terminal.json(plan);
        else for (const line of lines(plan, terminal.columns)) terminal.print(line);
        if (!apply || store === undefined) return;
        if (!(await isConfirmed(thing))) throw new MlopsError('confirmation_needed', `nothing was forgotten`);
        const { signal } = terminal;
        const reason = input.text('reason');
        const options = { column: plan.column, user: userName(terminal), reason, signal };
        const id = await forget(plan, { ...places, repo, store }, options);
        terminal.note(`forgotten; the tombstone is run ${id}`);
        terminal.next(
          'mlops repro        # makes again what came of it',
          'mlops gc -w        # in other clones: their caches still have it',
        );
      },
      apply,
    );

    async function isConfirmed(name: string): Promise<boolean> {
      const given = input.text('confirm');
      if (given !== undefined) return given === name;
      if (!terminal.stderrIsTty) {
        throw new MlopsError('confirmation_needed', 'nothing is forgotten unless its name is given twice', {
          hint: `--confirm ${name}`,
        });
      }
      return terminal.confirm('This cannot be undone.', { must: true, name });
    }
  },
};

function lines(plan: ForgetPlan, columns: number): string[] {
  const { objects, runCache, files, artifacts, versions, records, answered, blockers } = plan;
  const table = textTable(
    [{ title: 'OBJECT', drop: 0 }, { title: 'PATH', drop: 0 }, { title: 'WHY' }, { title: 'WHERE' }],
    objects.map(({ md5, path, reason, places }) => [md5, path, reason, places.join(', ') || 'nowhere']),
    columns,
  );
  return [
    ...table,
    ...files.map((file) => `work tree: ${file} (made again by \`mlops repro\`)`),
    ...versions.map(
      ({ name, version, stage, aliases }) =>
        `model: models:/${name}/${version}${stage === null ? '' : ` (${stage})`}${aliases.map((alias) => ` @${alias}`).join('')}, to be trained again`,
    ),
    `${plural(runCache.length, 'entry', 'entries')} of the run cache, ${plural(artifacts.length, 'artifact')}, ${plural(records, 'record')} of the prediction log`,
    ...(answered === 0 ? [] : [`${plural(answered, 'answer')} of those models stay in the prediction log`]),
    ...blockers.map((blocker) => `blocked: ${blocker}`),
  ];
}
