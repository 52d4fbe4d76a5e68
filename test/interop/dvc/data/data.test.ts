import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it, vi } from 'vitest';
import { describeWithTool } from '../../../tools.ts';
import { mlops } from '../../../cli.ts';
import { openTwin, type Twin } from '../../../twin.ts';

// Each step starts two Python processes or so: minutes on a busy machine.
vi.setConfig({ testTimeout: 300_000 });

describeWithTool('dvc', 'twins: tracking data', ({ dvc }) => {
  const open = (): Twin => openTwin({ dvc });
  const withRemote = (): Twin => {
    const twin = open();
    // Absolute: of other revisions, DVC takes a relative one as below the root of the file system.
    for (const { project, base } of twin.sides) {
      const text = `[core]\n    remote = loc\n['remote "loc"']\n    url = ${base}/remote\n`;
      fs.writeFileSync(path.join(project, '.dvc/config'), text);
    }
    return twin;
  };

  it('add: files, odd names, modes, empty files and folders', () => {
    const twin = open();
    twin.write('x.csv', 'a,b\n1,2\n');
    twin.write('run.sh', '#!/bin/sh\n', 0o755);
    twin.write('empty', '');
    twin.run(['add', 'x.csv']);
    twin.run(['add', 'run.sh', 'empty']);
    twin.write('sub dir/é ü.txt', 'text');
    twin.write("it's.txt", 'quote');
    twin.run(['add', 'sub dir/é ü.txt', "it's.txt"]);
    twin.write('d/B.txt', 'B');
    twin.write('d/a.txt', 'a', 0o755);
    twin.write('d/sub/\u{1F600}.txt', 'smile');
    twin.write('d/sub/\uffee.txt', 'code point order');
    twin.write('d/empty', '');
    twin.change((project) => fs.mkdirSync(path.join(project, 'd/no files')));
    twin.run(['add', 'd']);
    twin.change((project) => fs.mkdirSync(path.join(project, 'nothing')));
    twin.run(['add', 'nothing']);
    twin.judge();
  });

  it('add: again, after changes, and inside a tracked folder', () => {
    const twin = open();
    twin.write('d/a', 'a');
    twin.write('d/sub/b', 'b');
    twin.run(['add', 'd']);
    twin.run(['add', 'd']);
    twin.write('d/sub/b', 'changed');
    twin.run(['add', 'd']);
    twin.write('d/sub/c', 'new');
    twin.write('d/not-yet', 'another');
    twin.run(['add', 'd/sub/c']);
    twin.run(['add', 'd/sub']);
    twin.remove('d/a');
    twin.run(['add', 'd/a']);
    twin.run(['add', 'd']);
    twin.judge();
  });

  it('add: what is refused', () => {
    const twin = open();
    twin.run(['add', 'nope']);
    twin.write('d/a', 'a');
    twin.run(['add', 'd/a']);
    twin.run(['add', 'd']);
    twin.write('tracked', 'by git');
    twin.git('add', 'tracked');
    twin.run(['add', 'tracked']);
    twin.change((project) => fs.symlinkSync('d', path.join(project, 'link')));
    twin.run(['add', 'link/a']);
    twin.write('.dvcignore', '*.log\n');
    twin.write('x.log', 'log');
    twin.run(['add', 'x.log']);
    twin.run(['add', 'd', '--remote', 'x']);
    twin.run(['add'], { anyStdout: true });
  });

  it('add: --glob, --no-commit, then commit by add', () => {
    const twin = open();
    for (const name of ['a.csv', 'b.csv', 'c.txt', 'sub/d.csv']) twin.write(name, name);
    twin.run(['add', '--glob', '*.csv']);
    twin.run(['add', '--no-commit', 'c.txt']);
    twin.run(['add', 'c.txt']);
    twin.run(['add', '--no-commit', 'sub']);
    twin.run(['add', 'sub']);
    twin.judge();
  });

  it('add: --out and --to-remote', () => {
    const twin = withRemote();
    twin.change((_, side) => {
      fs.mkdirSync(path.join(side.base, 'elsewhere/folder'), { recursive: true });
      fs.writeFileSync(path.join(side.base, 'elsewhere/file.txt'), 'from elsewhere');
      fs.writeFileSync(path.join(side.base, 'elsewhere/folder/a'), 'a');
    });
    twin.run(['add', '../elsewhere/file.txt', '-o', 'here.txt']);
    twin.run(['add', '../elsewhere/file.txt', '-o', 'here.txt']);
    twin.run(['add', '../elsewhere/folder', '-o', 'here']);
    twin.run(['add', '../elsewhere/file.txt', '--to-remote']);
    twin.run(['pull', 'file.txt']);
    twin.judge();
  });

  it('add: with core.autostage, with a missing final newline in .gitignore, in a folder below', () => {
    const twin = open();
    twin.write('.gitignore', '*.tmp');
    twin.write('sub/x', 'x');
    twin.run(['add', 'x'], { in: 'sub' });
    twin.write('y', 'y');
    twin.run(['add', 'y']);
    twin.dvc('config', 'core.autostage', 'true');
    twin.write('z', 'z');
    twin.run(['add', 'z']);
    const staged = twin.sides.map(({ project }) => fs.statSync(path.join(project, '.git/index')).size);
    expect(staged[1]).toBe(staged[0]);
  });

  it.each(['hardlink', 'symlink', 'copy', 'reflink,hardlink'])(
    'cache.type %s: add, checkout, relink, unprotect',
    (type) => {
      const twin = open();
      twin.dvc('config', 'cache.type', type);
      twin.write('d/a', 'a');
      twin.write('d/same', 'a');
      twin.write('d/empty', '');
      twin.write('x', 'x', 0o755);
      twin.run(['add', 'd', 'x']);
      twin.remove('d');
      twin.run(['checkout']);
      twin.run(['unprotect', 'd']);
      twin.run(['checkout', '--relink']);
      twin.dvc('config', 'cache.type', 'copy');
      twin.run(['checkout', '--relink']);
      twin.judge();
    },
  );

  it('checkout: what changed, what is unsaved, parts, and outputs that are tracked no more', () => {
    const twin = open();
    twin.write('d/a', '1');
    twin.write('d/b', '1');
    twin.write('d/sub/c', '1');
    twin.write('x', '1');
    twin.run(['add', 'd', 'x']);
    twin.git('add', '-A');
    twin.git('commit', '-qm', 'one');
    twin.write('d/a', '2');
    twin.remove('d/sub');
    twin.write('d/new/n', '2');
    twin.write('x', '2');
    twin.run(['checkout']);
    twin.run(['add', 'd', 'x']);
    twin.write('y', 'y');
    twin.run(['add', 'y']);
    twin.git('add', '-A');
    twin.git('commit', '-qm', 'two');
    twin.git('checkout', '-q', 'HEAD~1');
    twin.run(['checkout', '--summary']);
    twin.run(['checkout']);
    twin.git('checkout', '-q', 'main');
    twin.run(['checkout', 'd/new']);
    twin.run(['checkout', 'd', 'x.dvc']);
    twin.run(['checkout']);
    twin.write('d/mine', 'unsaved');
    twin.run(['checkout']);
    twin.run(['checkout', '-f']);
    twin.run(['checkout', '--summary']);
    twin.run(['checkout', 'nope']);
    twin.judge();
  });

  it('push, fetch, pull, and what is not there', () => {
    const twin = withRemote();
    twin.write('d/a', 'a');
    twin.write('d/b', 'b');
    twin.write('x', 'x');
    twin.run(['add', 'd', 'x']);
    twin.run(['status', '-c']);
    twin.run(['push', 'x']);
    twin.run(['status', '-c']);
    twin.run(['status', '-c', '--json']);
    twin.run(['push']);
    twin.run(['push']);
    twin.run(['status', '-c']);
    twin.change((project) => fs.rmSync(path.join(project, '.dvc/cache'), { recursive: true }));
    twin.run(['status', '-c']);
    twin.run(['fetch', 'x']);
    twin.run(['fetch']);
    twin.run(['fetch']);
    twin.remove('d');
    twin.run(['pull']);
    twin.run(['pull']);
    twin.remove('d/a');
    twin.run(['pull', 'd/a']);
    twin.run(['pull', '-r', 'nope']);
    twin.judge();
  });

  it('push: branches, tags and commits', () => {
    const twin = withRemote();
    for (const n of ['1', '2', '3']) {
      twin.write('x', n);
      twin.run(['add', 'x']);
      twin.git('add', '-A');
      twin.git('commit', '-qm', n);
      if (n === '2') twin.git('tag', 'two');
    }
    twin.git('branch', 'other', 'HEAD~2');
    twin.run(['push']);
    twin.run(['push', '-T']);
    twin.run(['push', '-a']);
    twin.run(['push', '-A']);
    twin.change((project) => fs.rmSync(path.join(project, '.dvc/cache'), { recursive: true }));
    twin.run(['fetch', '-A']);
    twin.run(['status', '-c', '-A']);
  });

  it('pull: without a remote, and of what the remote does not have', () => {
    const twin = open();
    twin.write('x', 'x');
    twin.run(['add', 'x']);
    twin.run(['push']);
    twin.dvc('remote', 'add', '-d', 'loc', '../remote');
    twin.change((project) => {
      fs.rmSync(path.join(project, '.dvc/cache'), { recursive: true });
      fs.rmSync(path.join(project, 'x'));
    });
    twin.run(['pull'], { anyStdout: true, anyTree: true });
  });

  it('DVC 2 projects: everything keeps working, and upgrades only on change', () => {
    const twin = withRemote();
    twin.write('.dvc/cache/3c/59dc048e8850243be8079a5c74d079', '1\r\n2\n');
    const legacy = 'outs:\n- md5: 5d9b6a0c6b5a5f2b2c8f5a0d8d3b6a7e\n  size: 4\n  path: t.txt\n';
    twin.write('t.txt', 'a\r\nb\r\n');
    twin.change((project) =>
      fs.writeFileSync(
        path.join(project, 't.txt.dvc'),
        legacy.replace(/[0-9a-f]{32}/, 'dd8c6a395b5dd36c56d23275028f526c'),
      ),
    );
    twin.run(['status'], { anyStdout: true });
    twin.run(['commit', '-f']);
    twin.run(['push']);
    twin.write('t.txt', 'changed\r\n');
    twin.run(['add', 't.txt']);
    twin.run(['push']);
    twin.judge();
  });
});

describeWithTool('dvc', 'twins: looking and cleaning', ({ dvc }) => {
  const open = (): Twin => {
    const twin = openTwin({ dvc });
    for (const { project, base } of twin.sides) {
      const text = `[core]\n    remote = loc\n['remote "loc"']\n    url = ${base}/remote\n`;
      fs.writeFileSync(path.join(project, '.dvc/config'), text);
    }
    return twin;
  };
  const history = (): Twin => {
    const twin = open();
    twin.write('d/a', '1');
    twin.write('d/b', '1b');
    twin.write('d/sub/c', 'c');
    twin.write('x', 'x1');
    twin.run(['add', 'd', 'x']);
    twin.git('add', '-A');
    twin.git('commit', '-qm', 'one');
    twin.git('tag', 'one');
    twin.write('d/a', '2');
    twin.remove('d/b');
    twin.write('d/sub/n', 'new');
    twin.write('x', 'x2');
    twin.run(['add', 'd', 'x']);
    twin.git('add', '-A');
    twin.git('commit', '-qm', 'two');
    return twin;
  };

  it('data status: committed, uncommitted, renamed, missing, untracked, granular', () => {
    const twin = history();
    const looks: string[][] = [
      ['data', 'status'],
      ['data', 'status', '--json'],
      ['data', 'status', '--granular'],
      ['data', 'status', '--granular', '--json', '--unchanged'],
      ['data', 'status', '--untracked-files', '--json'],
      ['data', 'status', '--unchanged', '--untracked-files=all'],
      ['data', 'status', '--not-in-remote', '--json'],
      ['data', 'status', 'd/sub', '--granular', '--json'],
    ];
    const look = (): void => looks.forEach((args) => void twin.run(args));
    look();
    twin.write('d/a', '3');
    twin.write('d/more', '3');
    twin.write('loose', 'nobody tracks it');
    twin.remove('x');
    look();
    twin.run(['add', 'd']);
    twin.change((project) => fs.renameSync(path.join(project, 'd/more'), path.join(project, 'd/other')));
    look();
    twin.change((project) =>
      fs.rmSync(path.join(project, '.dvc/cache/files/md5/9d'), { recursive: true, force: true }),
    );
    look();
  });

  it('diff: commits, workspace, renames, hashes, Markdown', () => {
    const twin = history();
    twin.run(['diff']);
    twin.run(['diff', 'one']);
    twin.run(['diff', 'one', 'HEAD', '--json']);
    twin.run(['diff', 'one', 'HEAD', '--show-hash']);
    twin.run(['diff', 'one', 'HEAD', '--md', '--show-hash']);
    twin.run(['diff', 'one', '--json', '--show-hash', '--targets', 'd/sub']);
    twin.change((project) => fs.renameSync(path.join(project, 'd/sub/n'), path.join(project, 'd/moved')));
    twin.remove('x');
    twin.run(['diff']);
    twin.run(['diff', '--json']);
    twin.run(['diff', '--md']);
    twin.run(['diff', 'nope']);
  });

  it('commit: asks, refuses without an answer, takes with --force, parts of folders', () => {
    const twin = history();
    twin.run(['commit']);
    twin.write('d/a', 'changed');
    twin.write('x', 'changed');
    twin.run(['commit', 'x']);
    twin.run(['commit', '-f', 'x']);
    twin.run(['commit', '-f']);
    twin.judge();
  });

  it('remove, move, unprotect', () => {
    const twin = history();
    twin.run(['remove', 'x']);
    twin.run(['remove', 'x.dvc']);
    twin.run(['add', 'x']);
    twin.run(['move', 'x', 'y']);
    twin.change((project) => fs.mkdirSync(path.join(project, 'folder')));
    twin.run(['move', 'y', 'folder']);
    twin.run(['mv', 'd', 'e']);
    twin.run(['move', 'nope', 'z']);
    twin.run(['unprotect', 'e']);
    twin.run(['rm', 'e.dvc', '--outs']);
    twin.run(['remove', 'nope.dvc']);
    twin.judge();
  });

  it('gc: every scope, dry first', () => {
    const twin = history();
    twin.run(['push', '-A']);
    twin.write('x', 'x3');
    twin.run(['add', 'x']);
    twin.write('x', 'x4');
    twin.run(['add', 'x']);
    twin.run(['gc']);
    twin.run(['gc', '-c']);
    for (const scope of [['-A'], ['-T'], ['--rev', 'HEAD', '-n', '2'], ['-a'], ['-w']]) {
      twin.run(['gc', ...scope, '--dry'], { anyStdout: true });
      twin.run(['gc', ...scope, '-f']);
    }
    twin.run(['gc', '-w', '-f']);
    twin.run(['gc', '-w', '-c', '-f']);
    twin.run(['gc', '-w'], { anyStdout: true });
  });

  it('outs of dvc.yaml: per-out remotes, push: false, cache: false, run-cache', () => {
    const twin = open();
    twin.change((project, { base }) => {
      fs.appendFileSync(path.join(project, '.dvc/config'), `['remote "other"']\n    url = ${base}/other\n`);
    });
    twin.write('input', 'input');
    twin.write(
      'dvc.yaml',
      [
        'stages:',
        '  make:',
        '    cmd: mkdir -p out && echo 1 > out/a && echo 2 > o && echo 3 > p && echo 4 > m',
        '    deps: [input]',
        '    outs:',
        '    - out',
        '    - o: {remote: other}',
        '    - p: {push: false}',
        '    metrics:',
        '    - m: {cache: false}',
        '',
      ].join('\n'),
    );
    twin.run(['repro']);
    twin.run(['push']);
    twin.run(['push', '-r', 'other']);
    twin.run(['push', '--run-cache']);
    twin.change((project) => fs.rmSync(path.join(project, '.dvc/cache'), { recursive: true }));
    twin.run(['fetch', '--run-cache', 'out']);
    twin.run(['status', '-c']);
    twin.run(['commit', '-f', 'make']);
    twin.run(['remove', 'make']);
  });
});

describeWithTool('dvc', 'a project that only DVC has worked in', ({ dvc }) => {
  it.each(['copy', 'hardlink'])('is found clean without reading any data: %s', (type) => {
    const twin = openTwin({ dvc });
    twin.dvc('config', 'cache.type', type);
    twin.write('d/a', 'AAAA');
    twin.write('d/sub/b', 'BBBB');
    twin.write('x', 'XXXX');
    const wholeSecond = 1_700_000_000;
    twin.change((own) => {
      for (const name of ['d/a', 'd/sub/b', 'x']) fs.utimesSync(path.join(own, name), wholeSecond, wholeSecond);
    });
    twin.dvc('add', 'd', 'x');
    const [, { project, base }] = twin.sides;
    // Other content behind the same inode, size and mtime: who reads it notices, who trusts the state does not.
    for (const name of ['d/a', 'x']) {
      const file = path.join(project, name);
      fs.chmodSync(file, 0o644);
      fs.writeFileSync(file, 'zzzz');
      fs.utimesSync(file, wholeSecond, wholeSecond);
    }
    const { stdout, stderr } = mlops(project, ['status'], { env: { DVC_SITE_CACHE_DIR: path.join(base, 'site') } });
    expect(stderr).toBe('');
    expect(stdout).toBe('Data and pipelines are up to date.\n');
  });
});
