import { firstFault, verifyVersion, type Verification } from '../../app/lineage/verify.ts';
import { readPublicKeys, signatureWords, trustedKeys } from '../../app/registry/model-signature.ts';
import { readSelector, versionNamed } from '../../app/registry/resolve-model.ts';
import { MlopsError, plural } from '../../base/index.ts';
import type { Command } from '../parse/command.ts';
import { withPlaces } from '../session/lineage-places.ts';
import { textTable } from '../tables/text-table.ts';
import { logFlag, logOf } from './monitor-input.ts';
import { versionArgs } from './models-input.ts';

export const verb: Command = {
  name: 'verify',
  owner: 'mlops',
  summary: 'Read all that a model came of again, and compare it with what was recorded',
  description:
    "Recomputes the md5 of the model's file, of all data on the way in the cache (and with --remotes in each remote) and of the code in Git, and checks the signature of the version.",
  examples: [
    ['mlops verify digits Production', 'everything that the version in production came of'],
    ['mlops verify digits 3 --remotes', 'the objects of the remotes too, which are read whole'],
  ],
  args: versionArgs,
  flags: [
    { name: 'remotes', summary: 'read what the remotes have, too' },
    {
      name: 'signing-key',
      value: 'FILE',
      repeat: 'each',
      summary: 'a public key that is trusted too',
      completes: 'path',
    },
    { name: 'json', summary: 'print JSON' },
    logFlag,
  ],
  exits: { 1: 'something differs from what was recorded, or is gone' },
  async run(input, terminal) {
    const trusted = [...readPublicKeys(input.list('signing-key'), terminal.cwd), ...trustedKeys(terminal.cwd)];
    const found = await withPlaces(terminal, logOf(input, terminal), async (places) => {
      const { store } = places;
      if (store === undefined) throw new MlopsError('not_a_project', 'nothing has been registered here yet');
      const version = await versionNamed(store, readSelector(input.args[0] ?? '', input.args[1]));
      const remotes = input.on('remotes');
      const { signal, progress: onProgress } = terminal;
      return verifyVersion(version, { ...places, store }, { trusted, remotes, signal, onProgress });
    });
    const fault = firstFault(found);
    if (input.on('json')) {
      const { contents, signature, gaps, ok, version } = found;
      terminal.json({
        name: version.name,
        version: version.version,
        ok,
        first: fault ?? null,
        signature,
        contents,
        gaps,
      });
    } else for (const line of lines(found, fault, terminal.columns)) terminal.print(line);
    return found.ok ? 0 : 1;
  },
};

function lines({ contents, signature, gaps, version }: Verification, fault: string | undefined, columns: number) {
  const bad = contents.filter(({ state }) => state !== 'ok');
  const table =
    bad.length === 0
      ? []
      : textTable(
          [{ title: 'STATE', drop: 0 }, { title: 'CONTENT', drop: 0 }, { title: 'WHERE' }, { title: 'MD5', drop: 2 }],
          bad.map(({ state, name, where, md5 }) => [state, name, where, md5]),
          columns,
        );
  const what = `models:/${version.name}/${version.version}`;
  const verdict =
    fault === undefined ? `${what} is what was recorded: ${plural(contents.length, 'content')} read again` : fault;
  const rest =
    gaps.length === 0 ? [] : [`${plural(gaps.length, 'gap')} in its lineage:`, ...gaps.map((gap) => `  ${gap}`)];
  return [verdict, `signature: ${signatureWords(signature)}`, ...table, ...rest];
}
