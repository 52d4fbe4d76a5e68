/** Characters that HFS+ leaves out of names before it compares them, as Git's `utf8.c` lists them. */
const ignoredByHfs = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/** Spellings of one folder's name, the first as it is usually written, the others as 8.3 names of NTFS. */
const privateFolders: readonly (readonly string[])[] = [
  ['.git', 'git~1'],
  ['.dvc', 'dvc~1'],
  ['.mlops', 'mlops~1'],
];

/**
 * The folder of a tool that a name means on any file system: `.git`, `.dvc` and `.mlops` in any case, with the dots,
 * spaces and streams that NTFS drops (`.git. `, `.git::$INDEX_ALLOCATION`), its short names (`git~1`), and the invisible
 * characters that HFS+ drops. The rules are those of Git's `is_ntfs_dotgit` and `is_hfs_dotgit`.
 */
export function privateFolderName(name: string): string | undefined {
  if (!mayBePrivate(name)) return undefined;
  const folded = withoutNtfsEnd(name.replace(ignoredByHfs, '').toLowerCase());
  return privateFolders.find((spellings) => spellings.includes(folded))?.[0];
}

/** NTFS leaves out what follows a colon, and then dots and spaces at the end. */
function withoutNtfsEnd(name: string): string {
  const colon = name.indexOf(':');
  let end = colon < 0 ? name.length : colon;
  while (end > 0 && (name[end - 1] === '.' || name[end - 1] === ' ')) end--;
  return name.slice(0, end);
}

/** A glance that is enough for nearly all names. */
function mayBePrivate(name: string): boolean {
  const first = name.charCodeAt(0);
  return first === 0x2e || first > 0x7f || name.includes('~');
}

/**
 * Why no file or folder may be made of a name that somebody else chose (an entry of a Git tree, of a folder's manifest,
 * of a listing); undefined for a good one. What it says completes "its name …".
 */
export function nameFault(name: string): string | undefined {
  if (name === '') return 'is empty';
  if (name === '.' || name === '..') return `is '${name}'`;
  if (/[/\\\0]/.test(name)) return 'holds a slash, a backslash or a NUL';
  const folder = privateFolderName(name);
  return folder === undefined ? undefined : `means the folder '${folder}' of a tool`;
}

/**
 * The same for a path of such names, relative and with slashes.
 * @returns the first name that will not do, and why.
 */
export function pathFault(path: string): { readonly name: string; readonly why: string } | undefined {
  if (isPlain(path)) return undefined;
  for (const name of path.split('/')) {
    const why = nameFault(name);
    if (why !== undefined) return { name, why };
  }
  return undefined;
}

/**
 * `pathFault` for data that was versioned on a machine like this one: off Windows a backslash is a character as any
 * other, and DVC keeps files of such names.
 */
export function dataPathFault(path: string): ReturnType<typeof pathFault> {
  return pathFault(process.platform === 'win32' ? path : path.replaceAll('\\', '_'));
}

const odd = /[\\\0~\u200c-\u206f\ufeff]/;

/** No name that begins with a dot or is empty, and no odd character: nearly all paths. */
function isPlain(path: string): boolean {
  const first = path.charCodeAt(0);
  if (first === 0x2e || first === 0x2f || path === '') return false;
  return !path.includes('/.') && !path.includes('//') && !path.endsWith('/') && !odd.test(path);
}
