import { badPicture } from '../../pictures/index.ts';
import { invalid } from './tensor-json.ts';

/**
 * The bytes of a picture that stands in a text: base64, also without padding, in lines or in the alphabet of URLs, or a
 * data URL of it. A URL is never fetched.
 *
 * @throws MlopsError `invalid_input`, `bad_picture`.
 */
export function bytesOfText(text: string, path: string): Uint8Array {
  if (/^https?:|^ftp:|^file:/i.test(text)) {
    throw badPicture(`'${path}' is a URL, and nothing is fetched: send the file, or its bytes as base64`);
  }
  let encoded = text;
  if (text.slice(0, 5).toLowerCase() === 'data:') {
    const comma = text.indexOf(',');
    if (comma < 0 || !/;base64$/i.test(text.slice(0, comma))) {
      throw invalid(path, 'a data URL in base64', `'${text.slice(0, 40)}'`);
    }
    encoded = text.slice(comma + 1);
    if (encoded.includes('%')) encoded = decoded(encoded, path);
  }
  const bare = encoded.replaceAll(/\s/g, '');
  if (bare === '') throw invalid(path, 'a picture as base64 or data URL', 'an empty text');
  if (!/^[\w+/-]+={0,2}$/.test(bare)) {
    throw invalid(path, 'a picture as base64 or data URL', `'${text.slice(0, 40)}'`);
  }
  return new Uint8Array(Buffer.from(bare, 'base64'));
}

function decoded(text: string, path: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(path, 'a data URL in base64', 'a broken escape');
  }
}
