import * as path from 'node:path';

import { getConfig, openConfig, parseOptionName, setConfig } from '../../repo/config.ts';
import type { Command, Verb } from '../command.ts';
import { levelFlags, levelOf } from '../config-levels.ts';
import { say } from '../data-session.ts';

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

export const verb: Verb = { name: 'cache', summary: 'Manage the cache', commands: [dir] };
