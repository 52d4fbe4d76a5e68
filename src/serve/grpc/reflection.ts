import type * as grpc from '@grpc/grpc-js';

import { status } from './calls.ts';

/** A package of services as its descriptor. */
export interface Described {
  /** Serialized `FileDescriptorProto`. */
  readonly file: Buffer;
  readonly fileName: string;
  readonly services: readonly string[];
  /** Full names of what is in it. */
  readonly symbols: ReadonlySet<string>;
}

interface Ask {
  readonly host: string;
  readonly file_by_filename?: string;
  readonly file_containing_symbol?: string;
  readonly all_extension_numbers_of_type?: string;
  readonly list_services?: string;
}

/** Tells clients such as grpcurl what services there are, and what their messages look like. No package needs another. */
export function reflectionService(described: readonly Described[]) {
  const files = (found: Described | undefined, what: string) =>
    found === undefined ? missing(what) : { file_descriptor_response: { file_descriptor_proto: [found.file] } };
  const answer = (ask: Ask): object => {
    const { file_by_filename: file, file_containing_symbol: symbol, all_extension_numbers_of_type: type } = ask;
    if (ask.list_services !== undefined) {
      const service = described.flatMap(({ services }) => services).map((name) => ({ name }));
      return { list_services_response: { service } };
    }
    if (symbol !== undefined)
      return files(
        described.find(({ symbols }) => symbols.has(symbol)),
        symbol,
      );
    if (file !== undefined)
      return files(
        described.find(({ fileName }) => fileName === file),
        file,
      );
    if (type !== undefined && described.some(({ symbols }) => symbols.has(type))) {
      return { all_extension_numbers_response: { base_type_name: type, extension_number: [] } };
    }
    return missing(type ?? 'an extension');
  };
  const info: grpc.handleBidiStreamingCall<Ask, object> = (call) => {
    call.on('data', (ask: Ask) => call.write({ valid_host: ask.host, original_request: ask, ...answer(ask) }));
    call.on('end', () => call.end());
  };
  return { ServerReflectionInfo: info };
}

function missing(what: string) {
  return { error_response: { error_code: status.notFound, error_message: `there is no '${what.slice(0, 200)}' here` } };
}
