// `npm run release -- X.Y.Z`: version, changelog, commit, tag, tarball. Nothing is published or pushed from here.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { isLater, releaseNotes } from './changelog.mjs';
import { run } from './first-run.mjs';

const [version] = process.argv.slice(2);
const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).trim();
const packages = JSON.parse(readFileSync('package.json', 'utf8'));
try {
  if (version === undefined || !/^\d+\.\d+\.\d+$/.test(version))
    throw new Error('give the version: npm run release -- 0.2.0');
  if (!isLater(version, packages.version)) throw new Error(`${version} is not later than ${packages.version}`);
  if (git('status', '--porcelain') !== '') throw new Error('the work tree has changes: commit them first');
  if (git('tag', '--list', `v${version}`) !== '') throw new Error(`there is a tag v${version} already`);
} catch (error) {
  console.error(`ERROR: ${error.message}`);
  process.exit(2);
}
run(process.execPath, ['scripts/check.mjs']);
const { text, notes } = releaseNotes(
  readFileSync('CHANGELOG.md', 'utf8'),
  version,
  new Date().toISOString().slice(0, 10),
);
writeFileSync('CHANGELOG.md', text);
run('npm', ['version', version, '--no-git-tag-version', '--allow-same-version'], {
  shell: process.platform === 'win32',
  stdio: 'ignore',
});
run('git', [
  'commit',
  '--quiet',
  '--message',
  `release: ${version}`,
  'CHANGELOG.md',
  'package.json',
  'package-lock.json',
]);
run('git', ['tag', '--annotate', `v${version}`, '--cleanup=verbatim', '--message', `mlops ${version}\n\n${notes}\n`]);
run('npm', ['pack', '--loglevel', 'error'], { shell: process.platform === 'win32' });
console.log(`Committed and tagged v${version}. To publish: git push --follow-tags, npm publish mlops-${version}.tgz`);
