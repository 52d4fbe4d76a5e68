import * as fs from 'node:fs';
import * as path from 'node:path';
import type * as grpc from '@grpc/grpc-js';
import type { PackageDefinition, ServiceDefinition } from '@grpc/proto-loader';

import { MlopsError, messageOf } from '../../base/index.ts';
import type { Control } from '../cluster/control.ts';
import { packages, services } from './definition.ts';
import { healthService } from './health.ts';
import { inferenceService, modelReady, type InferenceParts } from './inference.ts';
import { reflectionService, type Described } from './reflection.ts';

export interface GrpcOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Largest message, in bytes. */
  readonly messageLimit: number;
  /** Files of PEM; absent: without TLS. */
  readonly tls?: { readonly certificate: string; readonly key: string } | undefined;
}

export interface GrpcServer {
  readonly port: number;
  /** Finishes the calls under way, at most `deadline` milliseconds long. */
  close(deadline: number): Promise<void>;
}

/**
 * Serves the Open Inference Protocol over gRPC, with health and reflection.
 *
 * @throws MlopsError `port_in_use`, `usage` for a certificate or key that cannot be used.
 */
export async function serveGrpc(options: GrpcOptions, parts: InferenceParts, control: Control): Promise<GrpcServer> {
  const [library, { fromJSON: load }] = await Promise.all([import('@grpc/grpc-js'), import('@grpc/proto-loader')]);
  const server = new library.Server({
    'grpc.max_receive_message_length': options.messageLimit,
    'grpc.max_send_message_length': -1,
    'grpc.so_reuseport': 0,
  });
  const loaded = packages.map(([name, json]) => [name, load(json as Parameters<typeof load>[0], wireForm)] as const);
  const definitionOf = (service: string): ServiceDefinition => {
    const found = loaded.map(([, definition]) => definition[service]).find((one) => one !== undefined);
    return found as ServiceDefinition;
  };
  const inference = inferenceService(parts, control);
  server.addService(definitionOf(services.inference), inference);
  const health = healthService((model) => (model === undefined ? parts.ready() : modelReady(parts, model, '')));
  server.addService(definitionOf(services.health), health);
  const reflection = reflectionService(loaded.map(([name, definition]) => describe(name, definition)));
  for (const service of services.reflection) server.addService(definitionOf(service), reflection);
  const port = await bind(library, server, options);
  return { port, close: (deadline) => closeServer(server, deadline) };
}

/** Names as on the wire, 64-bit integers as text, what is not set as its default. */
const wireForm = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true } as const;

function describe(name: string, definition: PackageDefinition): Described {
  const entries = Object.entries(definition);
  const file = entries.map(([, one]) => fileOf(one)).find((one) => one !== undefined);
  if (file === undefined) throw new Error(`${name} has no descriptor`);
  const isService = (one: PackageDefinition[string]): boolean => !('format' in one);
  const methods = entries.flatMap(([key, one]) =>
    isService(one) ? Object.keys(one).map((method) => `${key}.${method}`) : [],
  );
  return {
    file,
    fileName: `${name.replaceAll('.', '_')}.proto`,
    services: entries.filter(([, one]) => isService(one)).map(([key]) => key),
    symbols: new Set([...entries.map(([key]) => key), ...methods]),
  };
}

function fileOf(one: PackageDefinition[string]): Buffer | undefined {
  return 'fileDescriptorProtos' in one && Array.isArray(one.fileDescriptorProtos)
    ? one.fileDescriptorProtos[0]
    : undefined;
}

async function bind(library: typeof grpc, server: grpc.Server, options: GrpcOptions): Promise<number> {
  const { host, port, tls } = options;
  const credentials = tls === undefined ? library.ServerCredentials.createInsecure() : secured(library, tls);
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => {
      if (error === null) resolve(bound);
      else {
        const hint = 'choose another one with --grpc-port';
        reject(new MlopsError('port_in_use', `cannot listen for gRPC on ${address}: ${messageOf(error)}`, { hint }));
      }
    });
  });
}

function secured(library: typeof grpc, { certificate, key }: NonNullable<GrpcOptions['tls']>): grpc.ServerCredentials {
  try {
    const pair = { cert_chain: fs.readFileSync(certificate), private_key: fs.readFileSync(key) };
    return library.ServerCredentials.createSsl(null, [pair]);
  } catch (error) {
    const files = `${path.basename(certificate)} and ${path.basename(key)}`;
    throw new MlopsError('usage', `${files} are no certificate and key for gRPC: ${messageOf(error)}`, {
      hint: 'both are files of PEM: --grpc-cert FILE --grpc-key FILE',
      cause: error,
    });
  }
}

function closeServer(server: grpc.Server, deadline: number): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, deadline);
    server.tryShutdown(() => {
      clearTimeout(late);
      resolve();
    });
  });
}
