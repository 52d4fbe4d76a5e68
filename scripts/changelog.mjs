// The changelog as `npm run release` changes it.

/**
 * Gives what is under Unreleased a version and a date, and opens a new Unreleased above it.
 *
 * @returns the new text, and the notes of the version
 * @throws Error when there is nothing to release, or the version is there already
 */
export function releaseNotes(changelog, version, date) {
  const head = '## Unreleased\n';
  const start = changelog.indexOf(head);
  if (start < 0) throw new Error("CHANGELOG.md has no '## Unreleased'");
  if (changelog.includes(`\n## ${version} `)) throw new Error(`CHANGELOG.md has version ${version} already`);
  const body = start + head.length;
  const next = changelog.indexOf('\n## ', body);
  const end = next < 0 ? changelog.length : next + 1;
  const notes = changelog.slice(body, end).trim();
  if (notes === '') throw new Error('nothing is under Unreleased');
  const rest = changelog.slice(end);
  return {
    text: `${changelog.slice(0, body)}\n## ${version} - ${date}\n\n${notes}\n${rest === '' ? '' : `\n${rest}`}`,
    notes,
  };
}

/** Whether `next` is a later version than `current`, both `MAJOR.MINOR.PATCH`. */
export function isLater(next, current) {
  const [a, b] = [next, current].map((version) => version.split('.').map(Number));
  const at = a.findIndex((part, i) => part !== b[i]);
  return at >= 0 && a[at] > b[at];
}
