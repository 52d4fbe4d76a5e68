import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

import { isSystemError, MlopsError } from '../../base/index.ts';
import { worktreeTree } from '../../git/index.ts';
import type { ModelVersion, Tag } from '../../mlflow/index.ts';
import { readSettings, tryFindProject } from '../../project/index.ts';
import type { TrackingStore } from '../../tracking/index.ts';
import { artifactDigest, artifactFiles } from './artifact-files.ts';
import { versionTag } from './resolve-model.ts';

const signatureTag = 'mlops.signature';
const keyTag = 'mlops.signature.key';

/** Whether a version is signed, and by whom. */
export type SignatureState =
  | { readonly state: 'unsigned' }
  /** `trusted`: by one of the keys that were given. */
  | { readonly state: 'valid'; readonly key: string; readonly trusted: boolean }
  | { readonly state: 'broken'; readonly key: string };

/**
 * What is signed: the name and number of the version, and the sha256 of each of its files, in the order of their paths.
 * A file that is changed, added or taken away, and the files under another name or number, have another text.
 */
async function statementOf(store: TrackingStore, version: ModelVersion): Promise<Buffer> {
  const artifacts = store.artifacts(await store.getDownloadUri(version.name, version.version));
  const files = (await artifactFiles(artifacts)).map((file) => file.path).toSorted((a, b) => (a < b ? -1 : 1));
  if (files.length === 0) {
    throw new MlopsError('model_broken', `${version.name} version ${version.version} has no files to be signed`);
  }
  const lines = [`mlops model signature 1`, `name ${version.name}`, `version ${version.version}`];
  for (const file of files) {
    lines.push(`sha256 ${await artifactDigest(artifacts, file, 'sha256')} ${file}`);
  }
  return Buffer.from(`${lines.join('\n')}\n`);
}

/** How people tell keys apart: the sha256 of the public key (DER), its first 16 hexadecimal digits. */
export function keyId(key: KeyObject): string {
  return createHash('sha256').update(publicBytes(key)).digest('hex').slice(0, 16);
}

function publicBytes(key: KeyObject): Buffer {
  const open = key.type === 'public' ? key : createPublicKey(key);
  return open.export({ type: 'spki', format: 'der' });
}

/**
 * Signs a version (Ed25519, RFC 8032); the signature and the public key are kept as tags of the version, in base64.
 * @returns the id of the key.
 */
export async function signVersion(store: TrackingStore, version: ModelVersion, key: KeyObject): Promise<string> {
  const signature = sign(null, await statementOf(store, version), key);
  const tags: Tag[] = [
    { key: keyTag, value: publicBytes(key).toString('base64') },
    { key: signatureTag, value: signature.toString('base64') },
  ];
  for (const tag of tags) await store.setModelVersionTag(version.name, version.version, tag);
  return keyId(key);
}

/** Looks at the signature of a version, over its files as they are now. */
export async function signatureOf(
  store: TrackingStore,
  version: ModelVersion,
  trusted: readonly KeyObject[],
): Promise<SignatureState> {
  const signature = versionTag(version, signatureTag);
  const bytes = versionTag(version, keyTag);
  if (signature === undefined || bytes === undefined) return { state: 'unsigned' };
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(bytes, 'base64'), type: 'spki', format: 'der' });
  } catch {
    return { state: 'broken', key: 'unreadable' };
  }
  const isValid =
    key.asymmetricKeyType === 'ed25519' &&
    verify(null, await statementOf(store, version), key, Buffer.from(signature, 'base64'));
  const id = keyId(key);
  return isValid
    ? { state: 'valid', key: id, trusted: trusted.some((one) => keyId(one) === id) }
    : { state: 'broken', key: id };
}

/** In a few words, for tables. */
export function signatureWords(found: SignatureState): string {
  if (found.state === 'unsigned') return 'not signed';
  if (found.state === 'broken') return `not what key ${found.key} signed`;
  return `by key ${found.key}${found.trusted ? '' : ', which is not trusted'}`;
}

/** The keys that `mlops.yaml` of the project around a folder trusts. @throws MlopsError `usage` for a file without one. */
export function trustedKeys(cwd: string): KeyObject[] {
  const root = tryFindProject(cwd)?.root ?? cwd;
  return readPublicKeys(readSettings(worktreeTree(root)).signingKeys, root);
}

/** @throws MlopsError `model_broken` unless a version was signed by one of the keys, and is what was signed. */
export async function requireSignature(
  store: TrackingStore,
  version: ModelVersion,
  trusted: readonly KeyObject[],
): Promise<void> {
  const found = await signatureOf(store, version, trusted);
  if (found.state === 'valid' && found.trusted) return;
  const what = `models:/${version.name}/${version.version}`;
  const hints = {
    unsigned: `sign it: mlops models sign ${version.name} ${version.version} --key FILE`,
    broken: 'its files were changed since: register it again, or restore them',
    valid: 'add its public key to signing.keys in mlops.yaml, or name it with --signing-key',
  };
  throw new MlopsError('model_broken', `${what} may not be served: ${signatureWords(found)}`, {
    hint: hints[found.state],
  });
}

const make = 'openssl genpkey -algorithm ed25519 -out key.pem';

/** @throws MlopsError `usage` for a file that holds no private Ed25519 key in PEM. */
export function readPrivateKey(file: string, cwd: string): KeyObject {
  return readKey(file, cwd, 'private', (text) => createPrivateKey(text));
}

/** Public keys; of a file with a private key its public half. @throws MlopsError `usage`. */
export function readPublicKeys(files: readonly string[], cwd: string): KeyObject[] {
  return files.map((file) => readKey(file, cwd, 'public', (text) => createPublicKey(text)));
}

function readKey(file: string, cwd: string, what: string, read: (text: string) => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = read(fs.readFileSync(path.resolve(cwd, file), 'utf8'));
  } catch (error) {
    const isAbsent = isSystemError(error, 'ENOENT');
    const message = isAbsent ? `there is no key '${file}'` : `'${file}' holds no ${what} key that can be read`;
    throw new MlopsError('usage', message, { hint: `make one: ${make}`, cause: error });
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new MlopsError('usage', `'${file}' is a key of type ${key.asymmetricKeyType}, not ed25519`, {
    hint: `make one: ${make}`,
  });
}
