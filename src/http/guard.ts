import * as net from 'node:net';

import { MlopsError } from '../base/index.ts';

export interface GuardOptions {
  /** Host names (without port) that a request may name; `*` allows any. */
  readonly allowedHosts: readonly string[];
  /** Origins (`https://app.example`) that browsers may call from besides the server's own; `*` allows any. */
  readonly allowedOrigins: readonly string[];
}

/** The two headers that a browser sets and a page cannot forge. */
export interface GuardedHeaders {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
}

/**
 * Stops other web pages from reaching a server on this machine: by DNS rebinding (a foreign `Host`) and by
 * cross-site requests (a foreign `Origin`). Programs send no Origin and are not affected.
 *
 * @returns a check that throws MlopsError `forbidden_host`.
 */
export function createGuard(options: GuardOptions): (headers: GuardedHeaders) => void {
  const anyHost = options.allowedHosts.includes('*');
  const anyOrigin = options.allowedOrigins.includes('*');
  const hosts = new Set(options.allowedHosts.map((host) => host.toLowerCase()));
  const origins = new Set(options.allowedOrigins.map((origin) => origin.toLowerCase().replace(/\/$/, '')));
  let lastHost: string | undefined;
  return ({ host, origin }) => {
    if (!anyHost && host !== lastHost) {
      const name = hostName(host ?? '');
      if (!hosts.has(name)) throw foreign('Host', host ?? '', '--allowed-hosts');
      lastHost = host;
    }
    if (origin === undefined || anyOrigin) return;
    const text = origin.toLowerCase();
    if (origins.has(text) || text === `http://${host}` || text === `https://${host}`) return;
    throw foreign('Origin', origin, '--cors-origins');
  };
}

function foreign(header: string, value: string, flag: string): MlopsError {
  return new MlopsError('forbidden_host', `requests with ${header} '${value.slice(0, 200)}' are not allowed here`, {
    hint: `start the server with ${flag} to allow it`,
  });
}

/** `Localhost:5001` to `localhost`, `[::1]:80` to `::1`. */
function hostName(host: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d*)?$/.exec(host);
  return (bracketed?.[1] ?? host.replace(/:\d*$/, '')).toLowerCase();
}

/** True when a server bound to this address can only be reached from this machine. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  if (name === 'localhost' || name === '::1' || name === '[::1]') return true;
  return net.isIPv4(name) && name.startsWith('127.');
}

/** The host names that reach a server bound to a loopback address. */
export function loopbackHosts(bound: string): string[] {
  return ['localhost', '127.0.0.1', '::1', bound.toLowerCase()];
}
