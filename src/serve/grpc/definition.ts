/**
 * The services as data, in the JSON form of protobufjs: the Open Inference Protocol as Triton's client speaks it
 * (`grpc_service.proto`, without what is about shared memory, tracing and configuration), gRPC's own health check and
 * its reflection.
 */

/** A field as `[repeated] type number`, a map from texts as `map type number`; the names are those of the wire. */
type Fields = Readonly<Record<string, string>>;

interface Message {
  readonly fields: Fields;
  /** Fields of which one is set, by the name of the choice. */
  readonly oneofs?: Readonly<Record<string, readonly string[]>>;
  readonly nested?: Readonly<Record<string, Message | readonly string[]>>;
}

interface Method {
  readonly takes: string;
  readonly gives: string;
  /** Which sides send more than one message. */
  readonly streams?: 'both' | 'answer';
}

const message = (fields: Fields = {}, rest: Omit<Message, 'fields'> = {}): Message => ({ fields, ...rest });

const tensorMetadata = message({ name: 'string 1', datatype: 'string 2', shape: 'repeated int64 3' });
const tensor = message({
  ...{ name: 'string 1', datatype: 'string 2', shape: 'repeated int64 3', parameters: 'map InferParameter 4' },
  contents: 'InferTensorContents 5',
});
const modelVersion = message({ name: 'string 1', version: 'string 2' });
const repositoryModel = message({
  ...{ repository_name: 'string 1', model_name: 'string 2', parameters: 'map ModelRepositoryParameter 3' },
});

const inference: Readonly<Record<string, Message>> = {
  ServerLiveRequest: message(),
  ServerLiveResponse: message({ live: 'bool 1' }),
  ServerReadyRequest: message(),
  ServerReadyResponse: message({ ready: 'bool 1' }),
  ModelReadyRequest: modelVersion,
  ModelReadyResponse: message({ ready: 'bool 1' }),
  ServerMetadataRequest: message(),
  ServerMetadataResponse: message({ name: 'string 1', version: 'string 2', extensions: 'repeated string 3' }),
  ModelMetadataRequest: modelVersion,
  ModelMetadataResponse: message(
    {
      ...{ name: 'string 1', versions: 'repeated string 2', platform: 'string 3' },
      ...{ inputs: 'repeated TensorMetadata 4', outputs: 'repeated TensorMetadata 5' },
    },
    { nested: { TensorMetadata: tensorMetadata } },
  ),
  InferParameter: message(
    {
      ...{ bool_param: 'bool 1', int64_param: 'int64 2', string_param: 'string 3' },
      ...{ double_param: 'double 4', uint64_param: 'uint64 5' },
    },
    { oneofs: { parameter_choice: ['bool_param', 'int64_param', 'string_param', 'double_param', 'uint64_param'] } },
  ),
  InferTensorContents: message({
    ...{ bool_contents: 'repeated bool 1', int_contents: 'repeated int32 2', int64_contents: 'repeated int64 3' },
    ...{ uint_contents: 'repeated uint32 4', uint64_contents: 'repeated uint64 5', fp32_contents: 'repeated float 6' },
    ...{ fp64_contents: 'repeated double 7', bytes_contents: 'repeated bytes 8' },
  }),
  ModelInferRequest: message(
    {
      ...{ model_name: 'string 1', model_version: 'string 2', id: 'string 3', parameters: 'map InferParameter 4' },
      ...{ inputs: 'repeated InferInputTensor 5', outputs: 'repeated InferRequestedOutputTensor 6' },
      raw_input_contents: 'repeated bytes 7',
    },
    {
      nested: {
        InferInputTensor: tensor,
        InferRequestedOutputTensor: message({ name: 'string 1', parameters: 'map InferParameter 2' }),
      },
    },
  ),
  ModelInferResponse: message(
    {
      ...{ model_name: 'string 1', model_version: 'string 2', id: 'string 3', parameters: 'map InferParameter 4' },
      ...{ outputs: 'repeated InferOutputTensor 5', raw_output_contents: 'repeated bytes 6' },
    },
    { nested: { InferOutputTensor: tensor } },
  ),
  ModelStreamInferResponse: message({ error_message: 'string 1', infer_response: 'ModelInferResponse 2' }),
  ModelRepositoryParameter: message(
    { bool_param: 'bool 1', int64_param: 'int64 2', string_param: 'string 3', bytes_param: 'bytes 4' },
    { oneofs: { parameter_choice: ['bool_param', 'int64_param', 'string_param', 'bytes_param'] } },
  ),
  RepositoryIndexRequest: message({ repository_name: 'string 1', ready: 'bool 2' }),
  RepositoryIndexResponse: message(
    { models: 'repeated ModelIndex 1' },
    {
      nested: { ModelIndex: message({ name: 'string 1', version: 'string 2', state: 'string 3', reason: 'string 4' }) },
    },
  ),
  RepositoryModelLoadRequest: repositoryModel,
  RepositoryModelLoadResponse: message(),
  RepositoryModelUnloadRequest: repositoryModel,
  RepositoryModelUnloadResponse: message(),
};

const health: Readonly<Record<string, Message>> = {
  HealthCheckRequest: message({ service: 'string 1' }),
  HealthCheckResponse: message(
    { status: 'ServingStatus 1' },
    { nested: { ServingStatus: ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] } },
  ),
};

const reflection: Readonly<Record<string, Message>> = {
  ServerReflectionRequest: message(
    {
      ...{ host: 'string 1', file_by_filename: 'string 3', file_containing_symbol: 'string 4' },
      ...{ file_containing_extension: 'ExtensionRequest 5', all_extension_numbers_of_type: 'string 6' },
      list_services: 'string 7',
    },
    {
      oneofs: {
        message_request: [
          ...['file_by_filename', 'file_containing_symbol', 'file_containing_extension'],
          ...['all_extension_numbers_of_type', 'list_services'],
        ],
      },
    },
  ),
  ExtensionRequest: message({ containing_type: 'string 1', extension_number: 'int32 2' }),
  ServerReflectionResponse: message(
    {
      ...{ valid_host: 'string 1', original_request: 'ServerReflectionRequest 2' },
      ...{ file_descriptor_response: 'FileDescriptorResponse 4', list_services_response: 'ListServiceResponse 6' },
      ...{ all_extension_numbers_response: 'ExtensionNumberResponse 5', error_response: 'ErrorResponse 7' },
    },
    {
      oneofs: {
        message_response: [
          ...['file_descriptor_response', 'all_extension_numbers_response', 'list_services_response'],
          'error_response',
        ],
      },
    },
  ),
  FileDescriptorResponse: message({ file_descriptor_proto: 'repeated bytes 1' }),
  ExtensionNumberResponse: message({ base_type_name: 'string 1', extension_number: 'repeated int32 2' }),
  ListServiceResponse: message({ service: 'repeated ServiceResponse 1' }),
  ServiceResponse: message({ name: 'string 1' }),
  ErrorResponse: message({ error_code: 'int32 1', error_message: 'string 2' }),
};

const rpc = (name: string): Method => ({ takes: `${name}Request`, gives: `${name}Response` });

const inferenceMethods: Readonly<Record<string, Method>> = {
  ...Object.fromEntries(
    [
      ...['ServerLive', 'ServerReady', 'ModelReady', 'ServerMetadata', 'ModelMetadata', 'ModelInfer'],
      ...['RepositoryIndex', 'RepositoryModelLoad', 'RepositoryModelUnload'],
    ].map((name) => [name, rpc(name)]),
  ),
  ModelStreamInfer: { takes: 'ModelInferRequest', gives: 'ModelStreamInferResponse', streams: 'both' },
};
const healthMethods: Readonly<Record<string, Method>> = {
  Check: rpc('HealthCheck'),
  Watch: { ...rpc('HealthCheck'), streams: 'answer' },
};
const reflectionMethods: Readonly<Record<string, Method>> = {
  ServerReflectionInfo: { ...rpc('ServerReflection'), streams: 'both' },
};

export const services = {
  inference: 'inference.GRPCInferenceService',
  health: 'grpc.health.v1.Health',
  reflection: ['grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection'],
} as const;

/** Each package by itself, as protobufjs reads it: its name, and what is in it. */
export const packages: readonly (readonly [name: string, json: object])[] = [
  ['inference', packageJson('inference', inference, 'GRPCInferenceService', inferenceMethods)],
  ['grpc.health.v1', packageJson('grpc.health.v1', health, 'Health', healthMethods)],
  ['grpc.reflection.v1', packageJson('grpc.reflection.v1', reflection, 'ServerReflection', reflectionMethods)],
  [
    'grpc.reflection.v1alpha',
    packageJson('grpc.reflection.v1alpha', reflection, 'ServerReflection', reflectionMethods),
  ],
];

function packageJson(
  name: string,
  messages: Readonly<Record<string, Message>>,
  service: string,
  methods: Readonly<Record<string, Method>>,
): object {
  const types = Object.entries(messages).map(([key, value]) => [key, messageJson(value)]);
  const calls = Object.entries(methods).map(([key, { takes, gives, streams }]) => [
    key,
    {
      requestType: takes,
      responseType: gives,
      requestStream: streams === 'both',
      responseStream: streams !== undefined,
    },
  ]);
  const inner: object = { ...Object.fromEntries(types), [service]: { methods: Object.fromEntries(calls) } };
  return name.split('.').reduceRight<object>((nested, part) => ({ nested: { [part]: nested } }), { nested: inner });
}

function messageJson({ fields, oneofs = {}, nested = {} }: Message): object {
  const inner = Object.entries(nested).map(([name, value]) => [
    name,
    Array.isArray(value)
      ? { values: Object.fromEntries(value.map((one: string, i) => [one, i])) }
      : messageJson(value as Message),
  ]);
  return {
    fields: Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, fieldJson(text)])),
    oneofs: Object.fromEntries(Object.entries(oneofs).map(([name, oneof]) => [name, { oneof }])),
    nested: Object.fromEntries(inner),
  };
}

function fieldJson(text: string): object {
  const words = text.split(' ');
  const id = Number(words.at(-1));
  const type = words.at(-2);
  if (words[0] === 'map') return { keyType: 'string', type, id };
  return words[0] === 'repeated' ? { rule: 'repeated', type, id } : { type, id };
}
