import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

import * as fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { ProjectConfig } from './config.ts';
import { isStorageScheme } from './schema.ts';
import { editConfigText, formatConfigText, parseConfigText, type ConfigSections } from './text.ts';

let dvcDir: string;

beforeEach(() => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'mlops-config-'));
  dvcDir = path.join(root, 'project', '.dvc');
  fs.mkdirSync(dvcDir, { recursive: true });
  vi.stubEnv('DVC_SYSTEM_CONFIG_DIR', path.join(root, 'system'));
  vi.stubEnv('DVC_GLOBAL_CONFIG_DIR', path.join(root, 'global'));
  return () => {
    vi.unstubAllEnvs();
    fs.rmSync(root, { recursive: true, force: true });
  };
});

function write(name: string, text: string): void {
  fs.writeFileSync(path.join(dvcDir, name), text);
}

describe('the text of a config file', () => {
  it('is read as ConfigObj reads it', () => {
    const text =
      '[Core]\n    Remote = loc # the one\n[\'remote "loc"\']\nurl = "/a b, c"\n[cache]\n type = reflink, copy\nx=\'\'\n';
    expect(parseConfigText(text, 'f')).toEqual(
      new Map<string, Map<string, unknown>>([
        ['core', new Map([['remote', 'loc']])],
        ['remote "loc"', new Map([['url', '/a b, c']])],
        [
          'cache',
          new Map<string, unknown>([
            ['type', ['reflink', 'copy']],
            ['x', ''],
          ]),
        ],
      ]),
    );
  });

  it('comes back after writing', () => {
    const value = fc.stringMatching(/^[ -~]{0,20}$/).filter((text) => !(text.includes("'") && text.includes('"')));
    const name = fc.stringMatching(/^[a-z_]{1,8}$/);
    const sections = fc
      .uniqueArray(fc.tuple(name, fc.uniqueArray(fc.tuple(name, value), { minLength: 1, selector: ([key]) => key })), {
        selector: ([key]) => key,
      })
      .map((entries): ConfigSections => new Map(entries.map(([key, options]) => [key, new Map(options)])));
    fc.assert(
      fc.property(sections, (wanted) => {
        expect(parseConfigText(formatConfigText(wanted), 'f')).toEqual(wanted);
      }),
    );
  });

  it('is edited line by line, the rest stays as it is', () => {
    const text = '# top\n[core]\n  autostage = true   # yes\n\n[cache]\n# links\ntype = copy\n';
    expect(editConfigText(text, 'core', 'remote', 'x')).toBe(text.replace('# yes\n', '# yes\n  remote = x\n'));
    expect(editConfigText(text, 'cache', 'type', 'symlink')).toBe(text.replace('type = copy', 'type = symlink'));
    expect(editConfigText(text, 'core', 'autostage', undefined)).toBe(
      text.replace('  autostage = true   # yes\n', '').replace('[core]\n', ''),
    );
    expect(editConfigText(text, 'exp', 'auto_push', 'true')).toBe(`${text}[exp]\n    auto_push = true\n`);
  });

  it.each(['nonsense\n', '[core\n', '[core]\nx = "a\n', '[core]\n[core]\n', 'x = 1\n'])(
    'that is broken is refused: %j',
    (text) => {
      expect(() => parseConfigText(text, 'f')).toThrow(expect.objectContaining({ code: 'bad_config' }));
    },
  );
});

describe('the configuration of a project', () => {
  it('is merged from its files, the local one last, with absolute paths', () => {
    write(
      'config',
      '[core]\n    remote = loc\n[cache]\n    dir = ../../cache\n[\'remote "loc"\']\n    url = ../../store\n',
    );
    write('config.local', '[\'remote "loc"\']\n    jobs = 4\n[\'remote "sub"\']\n    url = remote://loc/sub\n');
    const config = new ProjectConfig(dvcDir);
    const base = path.dirname(path.dirname(dvcDir));
    expect(config.text('cache', 'dir')).toBe(path.join(base, 'cache'));
    expect(config.remote()).toEqual({ name: 'loc', url: path.join(base, 'store'), options: new Map([['jobs', '4']]) });
    expect(config.remote('SUB')).toEqual({
      name: 'sub',
      url: path.join(base, 'store/sub'),
      options: new Map([['jobs', '4']]),
    });
    expect(config.remoteNames).toEqual(['loc', 'sub']);
    expect(config.cacheTypes).toEqual(['reflink', 'copy']);
    expect(() => config.remote('nope')).toThrow("remote 'nope' doesn't exist");
  });

  it('stores paths relative to its file', () => {
    const config = new ProjectConfig(dvcDir);
    config.edit('repo', [{ section: 'remote "loc"', option: 'url', value: 'store' }], path.dirname(dvcDir));
    expect(fs.readFileSync(path.join(dvcDir, 'config'), 'utf8')).toBe('[\'remote "loc"\']\n    url = ../store\n');
  });

  it('is not written when it would not be valid', () => {
    write('config', '[core]\n    autostage = true\n');
    const config = new ProjectConfig(dvcDir);
    const edit = { section: 'core', option: 'autostage', value: 'perhaps' };
    expect(() => config.edit('repo', [edit], dvcDir)).toThrow(
      "expected true or false for dictionary value @ data['core']['autostage']",
    );
    expect(fs.readFileSync(path.join(dvcDir, 'config'), 'utf8')).toBe('[core]\n    autostage = true\n');
  });

  it.each([
    ['[\'remote "x"\']\nurl = ftp://h/x\n', 'Unsupported URL type ftp://'],
    ['[core]\nnokey = 1\n', "extra keys not allowed @ data['core']['nokey']"],
    ['[what]\nx = 1\n', "extra keys not allowed @ data['what']"],
    ['[cache]\ntype = magic\n', 'Unsupported cache type(s): magic'],
  ])('with mistakes is refused as by DVC: %j', (text, message) => {
    write('config', text);
    expect(() => new ProjectConfig(dvcDir)).toThrow(message);
  });
});

describe('options that name files with credentials', () => {
  const remote = (extra: string): string => `['remote "r"']\n    url = s3://bucket\n    ${extra}\n`;
  const refusal = (): string | undefined => {
    try {
      new ProjectConfig(dvcDir).remote('r');
      return undefined;
    } catch (error) {
      const { code, message, hint } = error as { code: string; message: string; hint?: string };
      return `${code} ${message} | ${hint ?? ''}`;
    }
  };

  it('do not count from the file that comes with the repository', () => {
    for (const option of ['configpath', 'credentialpath']) {
      write('config', `[core]\n    remote = r\n${remote(`${option} = aws`)}`);
      expect(refusal()).toMatch(
        new RegExp(`^untrusted_config \\.dvc/config, line 5: '${option}' of the remote 'r' came`),
      );
      expect(refusal()).toContain(`mlops remote modify --local r ${option} ${path.join(dvcDir, 'aws')}`);
    }
  });

  it('do not count from one of the repository that another stands on', () => {
    write('config', `${remote('configpath = aws')}['remote "sub"']\n    url = remote://r/sub\n`);
    expect(() => new ProjectConfig(dvcDir).remote('sub')).toThrow('configpath');
  });

  it('count from the local, global and system file', () => {
    write('config', remote('configpath = aws'));
    write('config.local', remote('configpath = mine'));
    expect(refusal()).toBeUndefined();
    fs.rmSync(path.join(dvcDir, 'config.local'));
    write('config', remote('region = x'));
    const global = path.join(path.dirname(path.dirname(dvcDir)), 'global');
    fs.mkdirSync(global);
    fs.writeFileSync(path.join(global, 'config'), remote('credentialpath = /home/me/aws'));
    expect(refusal()).toBeUndefined();
  });

  it('do not count from a local file that Git tracks, or that is a link', () => {
    write('config', remote('region = x'));
    write('config.local', remote('configpath = aws'));
    const root = path.dirname(dvcDir);
    execFileSync('git', ['init', '-q'], { cwd: root });
    expect(refusal()).toBeUndefined();
    execFileSync('git', ['add', '-f', '.dvc/config.local'], { cwd: root });
    expect(refusal()).toContain('git rm -q --cached .dvc/config.local');
    execFileSync('git', ['rm', '-q', '--cached', '.dvc/config.local'], { cwd: root });
    fs.renameSync(path.join(dvcDir, 'config.local'), path.join(root, 'elsewhere'));
    fs.symlinkSync('../elsewhere', path.join(dvcDir, 'config.local'));
    expect(refusal()).toContain('configpath');
  });
});

it('takes no word of JavaScript for a scheme', () => {
  for (const scheme of ['constructor', 'toString', '__proto__']) expect(isStorageScheme(scheme)).toBe(false);
  expect(isStorageScheme('s3')).toBe(true);
});
