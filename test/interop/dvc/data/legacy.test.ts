import * as fs from 'node:fs';
import * as path from 'node:path';
import { expect, it, vi } from 'vitest';
import { describeWithTool } from '../../../tools.ts';
import { md5 } from '../../../support/sound.ts';
import { openTwin, type Twin } from '../../../twin.ts';

vi.setConfig({ testTimeout: 400_000 });

/** DVC 2's hash of a text: lines end in LF. */
const legacyHash = (content: string): string => md5(content.replaceAll('\r\n', '\n'));

function putLegacy(project: string, id: string, content: string): void {
  const file = path.join(project, '.dvc/cache', id.slice(0, 2), id.slice(2));
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content, { mode: 0o444 });
}

/** A project as DVC 2 left it: a file, a folder and a stage, with Windows line ends. */
function makeLegacy(project: string): void {
  const write = (file: string, content: string): void => {
    fs.mkdirSync(path.dirname(path.join(project, file)), { recursive: true });
    fs.writeFileSync(path.join(project, file), content);
  };
  const files = { 't.txt': 'a\r\nb\r\n', 'd/x': 'x\r\n', 'd/y': 'y\n', u: 'a\r\nb\r\n' };
  for (const [file, content] of Object.entries(files)) {
    write(file, content);
    putLegacy(project, legacyHash(content), content);
  }
  const [x, y, text] = [files['d/x'], files['d/y'], files['t.txt']].map(legacyHash);
  const manifest = `[{"md5": "${x}", "relpath": "x"}, {"md5": "${y}", "relpath": "y"}]`;
  putLegacy(project, `${md5(manifest)}.dir`, manifest);
  write('t.txt.dvc', `outs:\n- md5: ${text}\n  size: 6\n  path: t.txt\n`);
  write('d.dvc', `outs:\n- md5: ${md5(manifest)}.dir\n  size: 5\n  nfiles: 2\n  path: d\n`);
  write('dvc.yaml', 'stages:\n  s:\n    cmd: cp t.txt u\n    deps:\n    - t.txt\n    outs:\n    - u\n');
  const entry = (file: string): string => `    - path: ${file}\n      md5: ${text}\n      size: 6\n`;
  write(
    'dvc.lock',
    `schema: '2.0'\nstages:\n  s:\n    cmd: cp t.txt u\n    deps:\n${entry('t.txt')}    outs:\n${entry('u')}`,
  );
  write('.gitignore', '/t.txt\n/d\n/u\n');
}

describeWithTool('dvc', 'twins: projects of DVC 2', ({ dvc }) => {
  const open = (): Twin => {
    const twin = openTwin({ dvc });
    for (const { project, base } of twin.sides) {
      fs.writeFileSync(
        path.join(project, '.dvc/config'),
        `[core]\n    remote = loc\n['remote "loc"']\n    url = ${base}/remote\n`,
      );
      makeLegacy(project);
    }
    twin.git('add', '-A');
    twin.git('commit', '-qm', 'as DVC 2 left it');
    return twin;
  };

  it('status, checkout, push, pull, gc and repro leave what did not change as it is', () => {
    const twin = open();
    twin.run(['status']);
    for (const name of ['d', 't.txt', 'u']) twin.remove(name);
    twin.run(['status']);
    twin.run(['checkout']);
    twin.run(['push']);
    twin.run(['status', '-c']);
    twin.run(['gc', '-w', '-f']);
    twin.change((project) => fs.rmSync(path.join(project, '.dvc/cache'), { recursive: true }));
    for (const name of ['d', 't.txt', 'u']) twin.remove(name);
    twin.run(['pull']);
    twin.run(['repro']);
    twin.run(['data', 'status', '--json', '--unchanged']);
    twin.judge();
    twin.write('d/part', 'of another kind');
    const before = fs.readFileSync(path.join(twin.sides[1].project, 'd.dvc'), 'utf8');
    // DVC fails halfway and leaves a manifest that nothing refers to.
    twin.run(['add', 'd/part'], { anyTree: true });
    for (const { project } of twin.sides) expect(fs.readFileSync(path.join(project, 'd.dvc'), 'utf8')).toBe(before);
  });

  it('cache migrate: dry, the cache alone, and .dvc files and dvc.lock too', () => {
    const twin = open();
    twin.run(['cache', 'migrate', '--dry']);
    twin.run(['cache', 'migrate', '--dry', '--dvc-files']);
    twin.run(['cache', 'migrate']);
    const [, { project }] = twin.sides;
    const old = path.join(project, '.dvc/cache', legacyHash('y\n').slice(0, 2), legacyHash('y\n').slice(2));
    expect(fs.statSync(old).nlink).toBe(2);
    twin.run(['cache', 'migrate']);
    twin.run(['cache', 'migrate', '--dvc-files']);
    twin.run(['cache', 'migrate', '--dvc-files']);
    twin.run(['cache', 'migrate', '--dvc-files', '--dry']);
    twin.run(['status']);
    twin.run(['push']);
    twin.judge();
  });
});
