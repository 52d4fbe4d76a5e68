import * as fs from 'node:fs';
import { describe, expect, it } from 'vitest';

import { exists, openProjectWith, read } from '../../../test/support/repo.ts';
import { add } from '../workspace/add.ts';
import { getConfig, listConfig, openConfig, parseOptionName, setConfig } from './config.ts';
import { destroyProject } from './destroy.ts';
import { initProject } from './init.ts';
import { addRemote, defaultRemote, listRemotes, modifyRemote, removeRemote, renameRemote } from './remotes.ts';

describe('init and destroy', () => {
  it('make a project once, and unmake it', async () => {
    const repo = await openProjectWith({ x: '1' });
    expect(() => initProject(repo.root)).toThrow(expect.objectContaining({ code: 'files_in_the_way' }) as Error);
    await add(repo, { targets: ['x'] });
    destroyProject(repo);
    expect([exists(repo, '.dvc'), exists(repo, 'x.dvc'), read(repo, 'x')]).toEqual([false, false, '1']);
  });

  it('want Git, unless they are told that there is none', async () => {
    const repo = await openProjectWith();
    const folder = `${repo.root}/inner`;
    fs.mkdirSync(folder);
    expect(() => initProject(folder)).toThrow(expect.objectContaining({ code: 'not_a_git_repo' }) as Error);
    initProject(folder, { subdir: true });
    expect(fs.existsSync(`${folder}/.dvc/config`)).toBe(true);
  });
});

describe('config', () => {
  it('is set, found at the highest level that has it, and unset', async () => {
    const place = openConfig((await openProjectWith()).root);
    const option = parseOptionName('core.autostage');
    setConfig(place, option, 'true');
    setConfig(place, option, 'false', 'local');
    expect(getConfig(place, option)?.value).toBe('false');
    expect(getConfig(place, option, 'repo')?.value).toBe('true');
    setConfig(place, option, undefined, 'local');
    expect(getConfig(place, option)?.value).toBe('true');
    expect(listConfig(place, 'repo').map(({ key }) => key)).toContain('core.autostage');
  });

  it('refuses what no option is and what no value is, and writes nothing then', async () => {
    const place = openConfig((await openProjectWith()).root);
    const before = listConfig(place);
    for (const [name, value] of [
      ['core.nonsense', '1'],
      ['core.autostage', 'maybe'],
    ] as const) {
      expect(() => setConfig(place, parseOptionName(name), value)).toThrow(
        expect.objectContaining({ code: 'bad_config' }) as Error,
      );
    }
    expect(listConfig(place)).toEqual(before);
  });
});

describe('remotes', () => {
  it('are added, made the default, changed, renamed and removed', async () => {
    const place = openConfig((await openProjectWith()).root);
    addRemote(place, 'far', 's3://bucket/path', { isDefault: true });
    addRemote(place, 'near', '/tmp/near');
    expect(() => addRemote(place, 'near', '/tmp/other')).toThrow(/already exists/);
    modifyRemote(place, 'far', 'region', 'eu-west-1');
    renameRemote(place, 'far', 'farther');
    expect(defaultRemote(place)).toBe('farther');
    expect(listRemotes(place).toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      { name: 'farther', url: 's3://bucket/path', isDefault: true },
      { name: 'near', url: expect.stringMatching(/near$/) as string, isDefault: false },
    ]);
    removeRemote(place, 'farther');
    expect([defaultRemote(place), listRemotes(place).length]).toEqual([undefined, 1]);
    expect(() => removeRemote(place, 'farther')).toThrow(expect.objectContaining({ code: 'bad_config' }) as Error);
  });
});
