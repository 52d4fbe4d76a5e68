import { invalid } from './limits.ts';

/** How a path of an artifact in a request may be meant. */
export interface ArtifactName {
  /** As it is stored: percent signs decoded until nothing is left to decode, control characters encoded. */
  readonly stored: string;
  /** Under which a file may lie that did not come by a request, the likeliest first: decoded, and as it was written. */
  readonly others: readonly string[];
}

/**
 * Reads the path of an artifact as MLflow's server does (3.17, `validate_path_is_safe`): its clients encode names
 * once or twice, and expect `my%20model` to be one name with `my model`. `.` and doubled slashes name nothing.
 *
 * @throws MlopsError `invalid_value` (`Invalid path`) for all that is absolute, climbs, or names a drive.
 */
export function readArtifactName(path: string): ArtifactName {
  const decoded = decodeFully(path);
  const stored = tidied(escapeControls(decoded));
  const others = [tidied(decoded), tidied(path)].filter((name, i, all) => name !== stored && all.indexOf(name) === i);
  return { stored, others };
}

/**
 * The name of an artifact that is about to be written.
 *
 * @throws MlopsError `invalid_value` (`Invalid path`), also for a directory and for `.` in the path.
 */
export function newArtifactName(path: string): string {
  const { stored } = readArtifactName(path);
  const dots = decodeFully(path).split('/').includes('.');
  if (stored === '' || dots || /\/$|[#\0]/.test(path) || stored.includes('#')) throw invalid('Invalid path');
  return stored;
}

/** Python's `unquote`: bytes that are no UTF-8 become U+FFFD. */
export function decodeOnce(text: string): string {
  return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (escapes) =>
    Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}

/** Decodes until nothing is left to decode. */
export function decodeFully(text: string): string {
  let current = text;
  for (let round = 0; round < 10; round++) {
    const decoded = decodeOnce(current);
    if (decoded === current) return current;
    current = decoded;
  }
  throw invalid('Invalid path');
}

function escapeControls(text: string): string {
  return text.replaceAll(
    // oxlint-disable-next-line no-control-regex -- these are the characters in question
    /[\u0000-\u001f\u007f]/g,
    (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

function tidied(path: string): string {
  // A drive or a share of Windows is absolute wherever this runs, and `..` climbs whatever separates it.
  if (path.startsWith('/') || /^[a-z]:[/\\]|^file:/i.test(path) || path.split(/[/\\]/).includes('..')) {
    throw invalid('Invalid path');
  }
  return path
    .split('/')
    .filter((segment) => segment !== '' && segment !== '.')
    .join('/');
}
