import { schema, type Check } from '../yaml/schema.ts';

const { anything, text, flag, map, any, nothing, sequence, textMap } = schema;

const count: Check = (path, value) =>
  typeof value === 'number' || typeof value === 'bigint' ? [] : [{ path, message: 'expected int' }];

/** A digest: text of at least three characters, empty or null. Digits alone are read as a number. */
const digest: Check = (path, value) => {
  if (value === null || value === '') return [];
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') {
    return [{ path, message: 'expected str' }];
  }
  return String(value).length >= 3 ? [] : [{ path, message: 'length of value must be at least 3' }];
};

const digests = { md5: digest, checksum: digest, etag: digest };
const facts = { size: count, nfiles: count, isexec: flag(), version_id: text() };
const cloud = map({ others: map({ optional: { ...facts, ...digests } }) });
const files = sequence(map({ required: { relpath: text() }, optional: { ...digests, ...facts, cloud } }));
const artifact = {
  ...digests,
  ...facts,
  path: text(),
  persist: flag(),
  cloud,
  hash: text(),
  files,
  fs_config: textMap(),
};

const repo = map({
  required: { url: text() },
  optional: { rev: text(), rev_lock: text(), config: any(text(), textMap()), remote: any(text(), textMap()) },
});

const database = map({ optional: { query: text(), connection: text(), file_format: text(), table: text() } });

const annotations = { desc: text(), type: text(), labels: sequence(text()), meta: anything() };

const dep = map({ optional: { ...artifact, repo, db: database } });
const out = map({ optional: { ...artifact, ...annotations, cache: flag(), remote: text(), push: flag() } });

/** What DVC allows in a `.dvc` file. */
export const dvcFileSchema = map({
  optional: {
    md5: digest,
    wdir: any(text(), nothing()),
    deps: any(sequence(dep), nothing()),
    outs: any(sequence(out), nothing()),
    locked: flag(),
    frozen: flag(),
    meta: anything(),
    always_changed: flag(),
    desc: text(),
  },
});
