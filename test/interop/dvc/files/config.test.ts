import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import * as fc from 'fast-check';
import { expect, it, vi } from 'vitest';

import { parseConfigText } from '../../../../src/project/config/text.ts';
import { command, mlops, temporaryFolder } from '../../../cli.ts';
import { describeWithTool } from '../../../tools.ts';
import { openTwin } from '../../../twin.ts';

// Each step starts a Python process, which is slow on a busy machine.
vi.setConfig({ testTimeout: 300_000 });

describeWithTool('dvc', 'config and remotes', ({ dvc }) => {
  it('are set, listed and removed as by DVC', () => {
    const twin = openTwin({ dvc });
    twin.run(['remote', 'add', '-d', 'Store', '/data/store']);
    twin.run(['remote', 'add', 'near', '../store']);
    twin.run(['remote', 'remove', 'near']);
    twin.run(['remote', 'add', 'cloud', 's3://bucket/some/path']);
    twin.run(['remote', 'add', 'cloud', 's3://other']);
    twin.run(['remote', 'add', '-f', 'cloud', 's3://other']);
    twin.run(['remote', 'add', '--local', 'sub', 'remote://cloud/sub']);
    twin.run(['remote', 'list', '--local']);
    twin.run(['remote', 'modify', 'cloud', 'endpointurl', 'http://localhost:9000']);
    twin.run(['remote', 'add', 'vault', 's3://vault']);
    twin.run(['remote', 'modify', '--local', 'vault', 'access_key_id', 'a#b, c']);
    twin.run(['remote', 'modify', 'cloud', 'credentialpath', 'keys/aws']);
    twin.run(['remote', 'modify', 'nope', 'url', 'x']);
    twin.run(['remote', 'modify', 'cloud', 'nokey', 'x']);
    twin.run(['remote', 'modify', 'store', 'jobs', 'many']);
    twin.run(['remote', 'modify', 'store', 'jobs', '4']);
    twin.run(['remote', 'list']);
    twin.run(['remote', 'default']);
    twin.run(['remote', 'default', 'nope']);
    twin.run(['remote', 'default', 'cloud']);
    twin.run(['remote', 'modify', '-u', 'cloud', 'endpointurl']);
    twin.run(['remote', 'rename', 'cloud', 'heaven']);
    twin.run(['remote', 'rename', 'heaven', 'store']);
    twin.run(['remote', 'remove', 'nope']);
    twin.run(['remote', 'remove', 'heaven']);
    twin.run(['remote', 'default']);
    twin.run(['remote', 'default', 'store', '--local']);
    twin.run(['remote', 'default', '-u', '--local']);
    twin.run(['remote', 'list']);
    twin.run(['config', '-l']);
  });

  it('options follow the grammar of DVC', () => {
    const twin = openTwin({ dvc });
    for (const args of [
      ['config', 'core.autostage', 'true'],
      ['config', 'core.autostage'],
      ['config', 'core.nokey', '1'],
      ['config', 'nosection.x', '1'],
      ['config', 'core.autostage', 'maybe'],
      ['config', 'cache.type', 'reflink,copy'],
      ['config', 'cache.type', 'magic'],
      ['config', 'cache.type'],
      ['config', 'cache.shared', 'group'],
      ['config', '--local', 'cache.dir', '../cache dir'],
      ['config', 'cache.dir'],
      ['cache', 'dir'],
      ['cache', 'dir', '--project'],
      ['cache', 'dir', '../other'],
      ['cache', 'dir', '-u', '--local'],
      ['cache', 'dir'],
      ['config', '-l', '--show-origin'],
      ['config', '--show-origin', 'cache.type'],
      ['config', '-l', '--local'],
      ['config', '--global', 'core.checksum_jobs', '2'],
      ['config', 'core.checksum_jobs'],
      ['config', 'core.checksum_jobs', '0'],
      ['config', '--local', 'core.checksum_jobs'],
      ['config', '-u', 'core.foo'],
      ['config', '-u', 'core.autostage'],
      ['config', 'plots.auto_open', 'TRUE'],
      ['config', 'exp.auto_push', 'false'],
      ['config', 'parsing.list', 'append'],
      ['config', 'db.pg.url', 'postgresql://x'],
      ['config', 'remote.store.url', 'somewhere'],
      ['config', 'remote.store.url'],
      ['config', 'remote.gone.url'],
      ['config', '-l'],
      ['config', '-l', 'core.remote'],
      ['config'],
    ]) {
      twin.run(args);
    }
    twin.run(['config', 'nodots'], { anyStdout: true });
  });

  it('broken files are refused by every command', () => {
    const twin = openTwin({ dvc });
    for (const text of [
      'nonsense\n',
      '[core]\n    nokey = 1\n',
      '[\'remote "x"\']\n    url = ck://x/y\n',
      '[core]\n  a = "b\n',
    ]) {
      twin.write('.dvc/config', text);
      twin.run(['status'], { anyStdout: true });
    }
    twin.write('.dvc/config', '[core]\n    nokey = 1\n    autostage = true\n');
    twin.run(['config', '-u', 'core.nokey']);
    twin.run(['config', 'core.autostage']);
  });

  it('keeps the comments of a config file, which DVC drops', () => {
    const folder = temporaryFolder();
    command(folder, 'git', ['init', '-q']);
    expect(mlops(folder, ['init', '-q']).status).toBe(0);
    const file = path.join(folder, '.dvc/config');
    fs.writeFileSync(file, '# ours\n[core]\n  autostage = true  # always\n');
    expect(mlops(folder, ['remote', 'add', '-d', 'x', '/data']).status).toBe(0);
    expect(fs.readFileSync(file, 'utf8')).toBe(
      '# ours\n[core]\n  autostage = true  # always\n  remote = x\n[\'remote "x"\']\n    url = /data\n',
    );
    expect(command(folder, dvc, ['remote', 'list']).stdout).toContain('/data');
  });

  it('works outside of a project on the files of user and machine', () => {
    const twin = openTwin({ dvc, init: false });
    twin.run(['config', '--global', 'core.analytics', 'false']);
    twin.run(['config', '-l']);
    twin.run(['config', 'core.analytics', 'true']);
    twin.run(['config', 'core.analytics']);
    twin.run(['root'], { anyStdout: true });
  });
});

describeWithTool('dvc', 'values in config files', ({ dvc }) => {
  const lines = [
    ...[
      'a = 1',
      'a = "x, y"',
      'a = x, y',
      'a = x,',
      'a = ,',
      'a = ',
      'a = # c',
      'a = b # c',
      'a = b#c',
      'a = ,b',
      'a=1',
    ],
    ...[
      'a = "b" "c"',
      'a = b c',
      'a = "b#c" # d',
      "a = 'it''s'",
      'a = b=c',
      '"a b" = 1',
      `a = 'x', "y", z`,
      'a = x,,y',
    ],
    ...['a = "x', 'a = ""', 'a = u a "b"', 'a = a,"b c",', "a = '''z'''", 'a = http://a/b?c=d#e', 'a = C:\\x', 'a: 1'],
    ...['= 1', 'a', 'a = [a]', 'a = "a"b', 'a = a"b', "a = a'b", 'a = #', 'a = a ,b # c', 'a = "a,b",c', '  a  =  2  '],
  ];

  it('are read as by ConfigObj', () => compare(dvc, lines));

  it('are read as by ConfigObj in every mixture of what it speaks of', () => {
    const words = ['[', ']', '"', '"', "'", ',', ',', ' ', '\t', '=', '=', '#', 'a', 'b c', '\v', '\u0085', '\u2028'];
    const mixture = fc.array(fc.constantFrom(...words), { maxLength: 12 }).map((chosen) => chosen.join(''));
    const line = fc.tuple(fc.constantFrom('', 'k = ', '['), mixture, fc.constantFrom('', ']', ' = 1'));
    compare(
      dvc,
      fc.sample(line, { numRuns: 20_000, seed: 11 }).map((parts) => parts.join('')),
    );
  });
});

/** Each line after a section, as DVC hands it to ConfigObj. Sections in sections are errors to DVC. */
function compare(dvc: string, lines: readonly string[]): void {
  const program = [
    'import io, sys, json',
    'from configobj import ConfigObj',
    'def read(line):',
    '    try: found = ConfigObj(io.StringIO("[s]\\n" + line + "\\n")).dict()',
    '    except Exception: return "error"',
    '    nested = any(isinstance(value, dict) for one in found.values() for value in one.values())',
    '    return "error" if nested else found',
    'print(json.dumps([read(line) for line in json.load(sys.stdin)]))',
  ].join('\n');
  const python = path.join(path.dirname(dvc), 'python');
  const input = JSON.stringify(lines);
  const said: unknown = JSON.parse(execFileSync(python, ['-c', program], { input, encoding: 'utf8', maxBuffer: 1e8 }));
  if (!Array.isArray(said)) throw new Error('no list');
  const ours = lines.map((line) => {
    try {
      const sections = [...parseConfigText(`[s]\n${line}\n`, 'f')];
      return Object.fromEntries(sections.map(([name, options]) => [name, Object.fromEntries(options)]));
    } catch {
      return 'error';
    }
  });
  const compared = lines.map((line, i) => ({ line, ours: ours[i], theirs: said[i] as unknown }));
  expect(compared.filter(({ ours: own, theirs }) => !isDeepStrictEqual(own, theirs))).toEqual([]);
}

describeWithTool('dvc', 'init', ({ dvc }) => {
  it('writes what DVC writes, staged in Git', () => {
    const twin = openTwin({ dvc, init: false });
    twin.run(['init'], { anyStdout: true });
    twin.git('init', '-q', '-b', 'main');
    twin.run(['init']);
    const [theirs, ours] = twin.sides.map(({ project }) => command(project, 'git', ['status', '--short']).stdout);
    expect(ours).toBe(theirs);
    twin.run(['init']);
    twin.write('.dvc/cache/files/md5/ab/x', 'x');
    twin.run(['init', '-f']);
    twin.write('sub/deep/x', 'x');
    twin.run(['init'], { in: 'sub', anyStdout: true });
    twin.run(['init', '--subdir', '-q'], { in: 'sub' });
    twin.run(['root'], { in: 'sub/deep' });
    twin.run(['status']);
  });

  it('works without Git', () => {
    const twin = openTwin({ dvc, init: false });
    twin.run(['init', '--no-scm', '--subdir'], { anyStdout: true });
    twin.run(['init', '--no-scm']);
    twin.write('a', 'x');
    twin.run(['add', 'a'], { anyStdout: true });
    twin.run(['status']);
    twin.run(['destroy', '-f']);
  });

  it('refuses a folder whose .dvc Git ignores', () => {
    const twin = openTwin({ dvc, init: false });
    twin.git('init', '-q');
    twin.write('.gitignore', '.dvc\n');
    twin.run(['init'], { anyStdout: true });
  });

  it('makes folder, repository, template, branches and first commit when asked to', () => {
    const folder = temporaryFolder();
    expect(mlops(folder, ['init', '--list']).stdout).toContain('digits');
    const made = mlops(folder, ['init', 'new', '--template', 'minimal', '--branches', 'main,dev']);
    expect(made.stderr).not.toContain('ERROR');
    expect(made.status).toBe(0);
    const project = path.join(folder, 'new');
    expect(command(project, 'git', ['branch', '--format=%(refname:short)']).stdout).toBe('dev\nmain\n');
    expect(command(project, 'git', ['status', '--short']).stdout).toBe('');
    expect(command(project, dvc, ['status']).status).toBe(0);
    expect(mlops(folder, ['init', 'new', '--template', 'minimal']).status).toBe(1);
    expect(mlops(folder, ['init', 'other', '--template', 'nope']).status).toBe(1);
    expect(fs.existsSync(path.join(folder, 'other'))).toBe(false);
  });
});

describeWithTool('dvc', '.dvcignore', ({ dvc }) => {
  const lines = [
    '*.log',
    '!keep.log',
    'build/',
    '/top',
    'a/**/b',
    '*/mid',
    '**/deep/',
    'we[il]rd?',
    '\\#hash',
    '[!x]yz',
    'end/*',
    '# c',
    ' space ',
    '**',
  ];
  const paths = [
    ...['x.log', 'keep.log', 'build', 'build/x', 'sub/build/y', 'top', 'sub/top', 'a/b', 'a/c/d/b', 'one/mid', 'mid'],
    ...[
      'deep/x',
      'q/deep/z',
      'weird1',
      'weilrd1',
      '#hash',
      'ayz',
      'xyz',
      'end',
      'end/x',
      'space',
      'sub/x.log',
      'sub/keep.log',
    ],
    ...[
      'sub/only',
      'sub/deeper/only',
      '.git',
      '.dvc',
      '.dvc/config',
      '.',
      '..',
      '../out',
      'nested',
      'nested/x',
      'sub/.dvcignore',
    ],
  ];

  it('is read rule by rule as by DVC', () => {
    const twin = openTwin({ dvc });
    for (const file of [
      'build/x',
      'sub/build/y',
      'top',
      'a/c/d/b',
      'one/mid',
      'deep/x',
      'q/deep/z',
      'end/x',
      'sub/deeper/only',
    ])
      twin.write(file, '');
    twin.write('sub/.dvcignore', '!x.log\n/only\n');
    twin.write('nested/.dvc/config', '');
    for (const rules of [lines.slice(0, -1), ...lines.map((line) => [line])]) {
      twin.write('.dvcignore', `${rules.join('\n')}\n`);
      twin.run(['check-ignore', '-d', '-n', ...paths]);
    }
    twin.run(['check-ignore', ...paths]);
    twin.run(['check-ignore', 'only', 'deeper/only', '../x.log'], { in: 'sub' });
    twin.run(['check-ignore', 'nothing'], { anyStdout: true });
    twin.run(['check-ignore'], { anyStdout: true });
  });
});
