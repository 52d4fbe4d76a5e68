import * as dns from 'node:dns';
import * as net from 'node:net';

import { MlopsError } from '../base/index.ts';

export interface AddressRules {
  /** Default `https` only. */
  readonly schemes: readonly string[];
  /** Allows this machine and private networks: for tests and closed networks. */
  readonly allowPrivate: boolean;
}

/**
 * The URL of a webhook, checked as far as text and its name's present addresses go. A name may point elsewhere
 * later, so deliveries connect through `publicLookup`, which checks the very address that is dialled.
 *
 * @throws MlopsError `invalid_value`.
 */
export async function checkWebhookUrl(text: string, rules: AddressRules): Promise<void> {
  if (text.trim() === '') throw invalid('Webhook URL cannot be empty or just whitespace');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.hostname === '') throw invalid(`Invalid webhook URL '${text.slice(0, 200)}'.`);
  const scheme = url.protocol.slice(0, -1);
  if (!rules.schemes.includes(scheme)) {
    throw invalid(`Invalid webhook URL scheme: '${scheme}'. Allowed schemes are: ${rules.schemes.join(', ')}.`);
  }
  if (url.username !== '' || url.password !== '') throw invalid('A webhook URL must not hold credentials.');
  if (rules.allowPrivate) return;
  for (const address of await addressesOf(url.hostname)) {
    if (!isPublicAddress(address)) throw refused(url.hostname);
  }
}

/** A host as it stands in a parsed URL: without the brackets of IPv6. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

async function addressesOf(hostname: string): Promise<readonly string[]> {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (net.isIP(host) !== 0) return [host];
  try {
    return (await dns.promises.lookup(host, { all: true })).map(({ address }) => address);
  } catch {
    throw invalid(`The webhook URL's host '${host}' cannot be resolved.`);
  }
}

export function refused(hostname: string): Error {
  return invalid(
    `The webhook URL's host '${hostname}' is not a public address: webhooks to this machine and to private networks are refused. MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS=true allows them.`,
  );
}

/** For `http.request`: resolves a name and refuses it when any of its addresses is not public. */
export const publicLookup: net.LookupFunction = (hostname, options, callback) => {
  dns.lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const [first] = addresses ?? [];
    if (error !== null) callback(error, '');
    else if (first === undefined || addresses.some(({ address }) => !isPublicAddress(address))) {
      callback(refused(hostname), '');
    } else if (options.all === true) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};

/** True for addresses of the open internet: not this machine, private, link-local, shared, reserved or multicast. */
export function isPublicAddress(address: string): boolean {
  if (net.isIPv4(address)) return !specialFour.check(address, 'ipv4');
  return net.isIPv6(address) && !specialSix.check(address, 'ipv6');
}

/** IANA's registries of special-purpose addresses; forms of IPv6 that carry an IPv4 address are refused whole. */
const specialFour = listOf('ipv4', [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
]);
/** A list of its own: a range of mapped addresses would match every address of IPv4. */
const specialSix = listOf('ipv6', [
  ['::', 96],
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 9],
  ['ff00::', 8],
]);

function listOf(
  family: 'ipv4' | 'ipv6',
  subnets: readonly (readonly [address: string, prefix: number])[],
): net.BlockList {
  const list = new net.BlockList();
  for (const [address, prefix] of subnets) list.addSubnet(address, prefix, family);
  return list;
}

function invalid(message: string): MlopsError {
  return new MlopsError('invalid_value', message);
}
