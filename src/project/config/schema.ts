import { didYouMean } from '../../base/index.ts';
import type { ConfigValue } from './text.ts';

/** Says what is wrong with a value, in DVC's words. */
type Check = (value: ConfigValue) => string | undefined;

type Options = Readonly<Record<string, Check>>;

const text: Check = (value) => (typeof value === 'string' ? undefined : 'expected str');
const bool: Check = (value) =>
  typeof value === 'string' && /^(true|false)$/i.test(value) ? undefined : 'expected true or false';
const int: Check = (value) =>
  typeof value === 'string' && /^\s*[-+]?\d+(_\d+)*\s*$/.test(value) ? undefined : 'expected int';
const atLeastOne: Check = (value) => int(value) ?? (Number(value) >= 1 ? undefined : 'value must be at least 1');
const seconds: Check = (value) =>
  typeof value === 'string' && value.trim() !== '' && Number(value) >= 0 ? undefined : 'expected float';

function oneOf(...choices: readonly string[]): Check {
  const known = new Set(choices);
  return (value) =>
    typeof value === 'string' && known.has(value.toLowerCase()) ? undefined : `expected one of ${choices.join(', ')}`;
}

const linkTypes: Check = (value) => {
  const types = typeof value === 'string' ? value.split(',').map((type) => type.trim()) : value;
  const wrong = types.filter((type) => !['reflink', 'hardlink', 'symlink', 'copy'].includes(type));
  return wrong.length === 0 ? undefined : `Unsupported cache type(s): ${wrong.join(', ')}`;
};

function all(check: Check, names: string): Options {
  return Object.fromEntries(names.split(' ').map((name) => [name, check]));
}

const common: Options = {
  ...all(atLeastOne, 'checksum_jobs jobs'),
  ...all(bool, 'worktree no_traverse version_aware'),
  url: text,
};

const local: Options = {
  type: linkTypes,
  shared: oneOf('group'),
  ...all(bool, 'protected slow_link_warning verify'),
};

const http: Options = {
  auth: oneOf('basic', 'digest', 'custom'),
  ...all(text, 'custom_auth_header user password method ssl_verify'),
  ...all(bool, 'ask_password verify'),
  ...all(seconds, 'connect_timeout read_timeout'),
};

const webdav: Options = {
  ...all(text, 'user password token bearer_token_command custom_auth_header cert_path key_path ssl_verify'),
  ...all(bool, 'ask_password verify'),
  timeout: int,
};

const remotes: Readonly<Record<string, Options>> = {
  '': { ...local, ...common },
  s3: {
    ...all(
      text,
      'region profile credentialpath configpath endpointurl access_key_id secret_access_key session_token ssl_verify ' +
        'sse sse_kms_key_id sse_customer_algorithm sse_customer_key acl grant_read grant_read_acp grant_write_acp ' +
        'grant_full_control cache_regions',
    ),
    ...all(bool, 'listobjects use_ssl allow_anonymous_login verify'),
    ...all(int, 'read_timeout connect_timeout'),
    ...common,
  },
  gs: {
    ...all(text, 'projectname credentialpath endpointurl'),
    ...all(bool, 'verify allow_anonymous_login'),
    ...common,
  },
  ssh: {
    type: linkTypes,
    ...all(int, 'port timeout max_sessions'),
    ...all(text, 'user password passphrase keyfile'),
    ...all(bool, 'ask_password ask_passphrase gss_auth allow_agent verify'),
    ...common,
  },
  hdfs: { ...all(text, 'user kerb_ticket'), replication: int, ...common },
  webhdfs: {
    ...all(text, 'kerberos_principal proxy_to ssl_verify token user password data_proxy_target'),
    ...all(bool, 'kerberos use_https verify'),
    ...common,
  },
  azure: {
    ...all(text, 'connection_string sas_token account_name account_key tenant_id client_id client_secret'),
    ...all(
      bool,
      'allow_anonymous_login exclude_environment_credential exclude_visual_studio_code_credential ' +
        'exclude_shared_token_cache_credential exclude_managed_identity_credential verify',
    ),
    ...all(int, 'timeout read_timeout connection_timeout'),
    ...common,
  },
  oss: { ...all(text, 'oss_key_id oss_key_secret oss_endpoint'), verify: bool, ...common },
  gdrive: {
    ...all(
      text,
      'profile gdrive_client_id gdrive_client_secret gdrive_user_credentials_file gdrive_service_account_user_email ' +
        'gdrive_service_account_json_file_path',
    ),
    ...all(bool, 'gdrive_use_service_account gdrive_trash_only gdrive_acknowledge_abuse verify'),
    ...common,
  },
  http: { ...http, ...common },
  https: { ...http, ...common },
  webdav: { ...webdav, ...common },
  webdavs: { ...webdav, ...common },
};

const sections: Readonly<Record<string, Options>> = {
  core: {
    ...all(text, 'remote site_cache_dir machine'),
    checksum_jobs: atLeastOne,
    ...all(bool, 'interactive analytics hardlink_lock no_scm autostage experiments check_update'),
  },
  cache: { ...all(text, 'local s3 gs hdfs webhdfs ssh azure dir'), ...local },
  state: { ...all(text, 'dir'), row_limit: atLeastOne, row_cleanup_quota: int },
  index: all(text, 'dir'),
  plots: { ...all(text, 'html_template out_dir'), auto_open: bool },
  exp: { ...all(text, 'code data models metrics params plots live git_remote'), auto_push: bool },
  parsing: { bool: oneOf('store_true', 'boolean_optional'), list: oneOf('nargs', 'append') },
  hydra: { enabled: bool, ...all(text, 'config_dir config_module config_name plugins_path') },
  studio: { ...all(text, 'token url repo_url'), offline: bool },
};

const named: Readonly<Record<string, Options>> = {
  machine: {
    ...all(text, 'image instance_type instance_gpu ssh_private startup_script setup_script cloud region'),
    spot: bool,
    spot_price: seconds,
    instance_hdd_size: int,
  },
  db: all(text, 'url username password'),
};

/** In DVC's words, and the name that was meant. */
export interface ConfigFault {
  readonly message: string;
  readonly hint?: string | undefined;
}

/** What is wrong with one section of a merged configuration, in DVC's words; undefined when nothing is. */
export function checkConfigSection(
  kind: string,
  name: string | undefined,
  options: ReadonlyMap<string, ConfigValue>,
): ConfigFault | undefined {
  const at = (...keys: readonly string[]): string => `@ data${keys.map((key) => `['${key}']`).join('')}`;
  if (kind === 'feature') return undefined;
  const path = name === undefined ? [kind] : [kind, name];
  let known = name === undefined ? sections[kind] : named[kind];
  if (kind === 'remote' && name !== undefined) {
    const url = options.get('url');
    if (typeof url !== 'string') return { message: `expected 'url' for dictionary value ${at(...path)}` };
    const scheme = schemeOf(url);
    // Options of a remote inside another one are that one's.
    if (scheme === 'remote') return undefined;
    known = Object.hasOwn(remotes, scheme) ? remotes[scheme] : undefined;
    if (known === undefined)
      return { message: `Unsupported URL type ${scheme}:// for dictionary value ${at(...path)}` };
  }
  if (known === undefined)
    return { message: `extra keys not allowed ${at(...path)}`, hint: didYouMean(kind, Object.keys(sections)) };
  for (const [key, value] of options) {
    const check = known[key];
    if (check === undefined)
      return { message: `extra keys not allowed ${at(...path, key)}`, hint: didYouMean(key, Object.keys(known)) };
    const wrong = check(value);
    if (wrong !== undefined) return { message: `${wrong} for dictionary value ${at(...path, key)}` };
  }
  return undefined;
}

/** `s3` of `s3://bucket/x`; '' for paths, and for a URL that names no host. */
export function schemeOf(url: string): string {
  return /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\/[^/?#]/.exec(url)?.[1]?.toLowerCase() ?? '';
}

/** True for what a remote's URL, or that of a dep, may begin with. */
export function isStorageScheme(scheme: string): boolean {
  return Object.hasOwn(remotes, scheme);
}
