import type { Tree } from '../../git/index.ts';
import { setting } from './kinds.ts';
import { parseSettings } from './load.ts';

/** The committed settings of `mlops.yaml`, with their defaults filled in. */
export interface Settings {
  readonly record: {
    /** False: `repro` records nothing unless asked. Default true. */
    readonly enabled: boolean;
    /** Experiment that runs are recorded in; default the project folder's name. */
    readonly experiment: string | undefined;
    /** True: runs that a stage's script starts become part of the recorded run instead of its children. */
    readonly join: boolean;
    /** Metrics, plots and params files up to this size are copied into the run, in bytes. Default 10 MiB. */
    readonly maxFileSize: number;
  };
  /** Files with the public keys whose signatures on models are trusted, from the root of the project. */
  readonly signingKeys: readonly string[];
}

const { fields, optional, flag, text, number, listOf } = setting;

const record = fields({
  enabled: optional(flag(), { about: '`repro` records a run', fallback: true }),
  experiment: optional(text(), { about: 'experiment that runs are recorded in' }),
  join: optional(flag(), { about: 'runs that a script starts are part of the recorded run', fallback: false }),
  max_file_size: optional(number({ min: 0 }), { about: 'largest file that is copied, in bytes', fallback: 10_485_760 }),
});

const signing = fields({
  keys: optional(listOf(text()), { about: 'files with the public keys (Ed25519, PEM) whose signatures are trusted' }),
});

const kind = fields({
  record: optional(record, { about: 'what `repro` records' }),
  signing: optional(signing, { about: 'whose signatures on models are trusted' }),
});

/**
 * Reads `mlops.yaml` at the root of a project; without that file the defaults hold.
 * @throws MlopsError `bad_config` for an unknown key or a wrong type, `bad_yaml` for a broken file.
 */
export function readSettings(tree: Tree): Settings {
  const bytes = tree.read('mlops.yaml');
  const text = bytes === undefined ? 'record: {}' : new TextDecoder().decode(bytes);
  const found = parseSettings({ file: 'mlops.yaml', text, code: 'bad_config' }, kind);
  const { max_file_size: maxFileSize, ...rest } = found.record ?? parseSettings({ file: '', text: '' }, record);
  return { record: { ...rest, maxFileSize }, signingKeys: found.signing?.keys ?? [] };
}
