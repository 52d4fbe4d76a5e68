import * as path from 'node:path';

import { getConfig, openConfig, parseOptionName, setConfig } from '../../repo/setup/config.ts';
import type { Command, Input, Verb } from '../parse/command.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { levelFlags, levelOf } from '../parse/config-levels.ts';
import { legacyFiles, legacyObjects, migrateCache, migrateFiles } from '../../repo/setup/migrate-cache.ts';
import type { DataRepo } from '../../repo/open/data-repo.ts';
import { say, sayGitAdd, withRepo } from '../session/data-session.ts';

const option = parseOptionName('cache.dir');

const dir: Command = {
  name: 'cache dir',
  owner: 'dvc',
  summary: 'Show or set where the cache is',
  examples: [
    ['mlops cache dir', 'where it is'],
    ['mlops cache dir /data/cache', 'share one on this machine'],
  ],
  args: [{ name: 'value', summary: 'path of the folder, relative to here', optional: true, completes: 'path' }],
  flags: [...levelFlags, { name: 'unset', short: 'u', summary: 'use .dvc/cache again' }],
  run(input, terminal) {
    const place = openConfig(terminal.cwd);
    const level = levelOf(input);
    const [value] = input.args;
    if (value !== undefined || input.on('unset')) {
      setConfig(place, option, input.on('unset') ? undefined : value, level);
      return;
    }
    const found = getConfig(place, option, level ?? (place.root === undefined ? 'global' : undefined));
    say(terminal, found?.value ?? path.join(place.root ?? '', '.dvc', 'cache'));
  },
};

const migrate: Command = {
  name: 'cache migrate',
  owner: 'dvc',
  summary: 'Give what DVC 2 put into the cache the names of DVC 3',
  description:
    'DVC 2’s names stay, for commits that know only those; both are one file where the file system has hard links.',
  examples: [
    ['mlops cache migrate --dry', 'how much there is to do'],
    ['mlops cache migrate --dvc-files', 'also write .dvc files and dvc.lock as DVC 3 does'],
  ],
  flags: [
    { name: 'dvc-files', summary: 'also migrate the entries of .dvc files and dvc.lock' },
    { name: 'dry', summary: 'only say what would be done' },
  ],
  run: (input, terminal) =>
    withRepo(terminal, (repo) => (input.on('dry') ? sayPlan(repo, input, terminal) : doMigrate(repo, input, terminal))),
};

async function sayPlan(repo: DataRepo, input: Input, terminal: Terminal): Promise<void> {
  const count = legacyObjects(repo);
  say(terminal, `${count} files will be re-hashed and migrated to the DVC 3.0 cache location.`);
  if (!input.on('dvc-files')) return;
  const files = legacyFiles(repo);
  if (files.length === 0) return say(terminal, 'No DVC files in the repo to migrate to the 3.0 format.');
  say(terminal, 'Entries in following DVC files will be migrated to the 3.0 format:');
  for (const file of files) say(terminal, `\t${file}`);
}

async function doMigrate(repo: DataRepo, input: Input, terminal: Terminal): Promise<void> {
  const options = { signal: terminal.signal, onProgress: terminal.progress };
  const { migrated, corrupt } = await migrateCache(repo, options);
  say(terminal, `Migrated ${migrated.length} files to DVC 3.0 cache location.`);
  for (const file of corrupt) terminal.warn(`'${file}' is corrupt and was left alone`);
  if (!input.on('dvc-files')) return;
  if (legacyFiles(repo).length === 0) return say(terminal, 'No DVC files in the repo to migrate to the 3.0 format.');
  const { updated, left, files } = await migrateFiles(repo, options);
  for (const { file, kind } of updated) say(terminal, `Updating ${kind === 'data' ? 'DVC' : 'lock'} file '${file}'`);
  for (const shown of left)
    terminal.warn(`'${shown}' is not what was recorded and keeps its entry: check it out or commit it first`);
  sayGitAdd(terminal, files);
}

export const verb: Verb = { name: 'cache', summary: 'Manage the cache', commands: [dir, migrate] };
