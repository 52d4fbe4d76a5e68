"""Every call of the Open Inference Protocol by Triton's own client. argv: address, address with TLS, certificate, key of the API"""
import sys

import grpc
import numpy as np
import tritonclient.grpc as triton
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from google.protobuf.descriptor_pool import DescriptorPool
from tritonclient.utils import InferenceServerException

plain, secure, certificate, key = sys.argv[1:]
client = triton.InferenceServerClient(plain)


def fails(status, call, *words):
    try:
        call()
    except InferenceServerException as error:
        assert error.status() == f"StatusCode.{status}", error
        for word in words:
            assert word in error.message(), error
        return
    raise AssertionError(f"expected {status}")


def tensor(name, array, datatype):
    given = triton.InferInput(name, list(array.shape), datatype)
    given.set_data_from_numpy(array)
    return given


def x(*rows):
    return [tensor("x", np.array(rows, np.float32), "FP32")]


# State and metadata.
assert client.is_server_live() and client.is_server_ready()
assert client.is_model_ready("m") and client.is_model_ready("m", "1")
assert not client.is_model_ready("m", "9") and not client.is_model_ready("none")
server = client.get_server_metadata()
assert server.name == "mlops" and server.version == "1.2.3"
model = client.get_model_metadata("m")
assert (model.name, list(model.versions), model.platform) == ("m", ["1"], "onnxruntime_onnx")
assert [(i.name, i.datatype, list(i.shape)) for i in model.inputs] == [("x", "FP32", [-1, 2])]
assert {one.name: one.state for one in client.get_model_repository_index().models}["m"] == "READY"

# Answers, by raw bytes, with ids and chosen outputs.
result = client.infer("m", x([1, 2], [3, 4]), request_id="7", outputs=[triton.InferRequestedOutput("y")])
assert result.as_numpy("y").tolist() == [[3], [7]] and result.get_response().id == "7"
assert result.get_response().parameters["prediction_id"].string_param != ""
assert client.infer("m", x([1, 2]), model_version="1").get_response().model_version == "1"
top = client.infer("m", x([1, 2]), outputs=[triton.InferRequestedOutput("y", class_count=1)])
assert top.as_numpy("y").tolist() == [[b"3.000000:0"]], top.as_numpy("y")

# Every type there and back, texts of any language, and lists in place of raw bytes.
arrays = {
    "FP32": np.array([[1.5, -0.0]], np.float32), "FP64": np.array([[1e300, np.inf]]), "FP16": np.array([[0.5, 2]], np.float16),
    "INT8": np.array([[-128, 127]], np.int8), "INT16": np.array([[-32768, 5]], np.int16), "INT32": np.array([[-7, 9]], np.int32),
    "INT64": np.array([[2**63 - 1, -(2**63)]], np.int64), "UINT8": np.array([[0, 255]], np.uint8),
    "UINT16": np.array([[65535, 1]], np.uint16), "UINT32": np.array([[2**32 - 1, 1]], np.uint32),
    "UINT64": np.array([[2**64 - 1, 0]], np.uint64), "BOOL": np.array([[True, False]]),
    "BYTES": np.array([["größe 😀".encode(), b""]], np.object_),
}
for datatype, array in arrays.items():
    back = client.infer(f"id_{datatype}", [tensor("x", array, datatype)]).as_numpy("y")
    assert back.dtype == array.dtype and (back == array).all(), (datatype, back)
pb = triton.service_pb2
stub = triton.service_pb2_grpc.GRPCInferenceServiceStub(grpc.insecure_channel(plain))
fields = {"FP32": "fp32_contents", "FP64": "fp64_contents", "BOOL": "bool_contents", "BYTES": "bytes_contents"}
for datatype, array in arrays.items():
    if datatype == "FP16":
        continue
    short = {"INT64": "int64_contents", "UINT64": "uint64_contents"}
    field = fields.get(datatype) or short.get(datatype) or ("uint_contents" if datatype[0] == "U" else "int_contents")
    request = pb.ModelInferRequest(model_name=f"id_{datatype}")
    given = request.inputs.add(name="x", datatype=datatype, shape=array.shape)
    getattr(given.contents, field).extend(array.flatten().tolist())
    assert stub.ModelInfer(request).raw_output_contents[0] == client.infer(
        f"id_{datatype}", [tensor("x", array, datatype)]).get_response().raw_output_contents[0], datatype

# Errors say what, where and what was expected, as on HTTP.
fails("NOT_FOUND", lambda: client.infer("none", x([1, 2])), "none")
fails("NOT_FOUND", lambda: client.infer("m", x([1, 2]), model_version="9"), "9")
fails("NOT_FOUND", lambda: client.get_model_metadata("none"))
fails("INVALID_ARGUMENT", lambda: client.infer("m", x([1, 2, 3])), "inputs[0].shape", "[N, 2]", "[1, 3]")
fails("INVALID_ARGUMENT", lambda: client.infer("m", [tensor("z", np.zeros((1, 2), np.float32), "FP32")]), "inputs[0].name")
fails("INVALID_ARGUMENT", lambda: client.infer("m", [tensor("x", np.zeros((1, 2)), "FP64")]), "FP32")
fails("INVALID_ARGUMENT", lambda: client.infer("m", []), "x")
fails("INVALID_ARGUMENT", lambda: client.infer("m", x([1, 2]), outputs=[triton.InferRequestedOutput("no")]), "one of y")
fails("INVALID_ARGUMENT", lambda: client.infer("m", x([1, 2]), sequence_id=3), "sequence")
fails("RESOURCE_EXHAUSTED", lambda: client.infer("m", [tensor("x", np.zeros((200_000, 2), np.float32), "FP32")]))
fails("UNIMPLEMENTED", lambda: client.get_trace_settings())
request = pb.ModelInferRequest(model_name="m", raw_input_contents=[bytes(8), bytes(8)])
request.inputs.add(name="x", datatype="FP32", shape=[1, 2])
try:
    stub.ModelInfer(request)
    raise AssertionError("two contents for one input")
except grpc.RpcError as error:
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT and "raw_input_contents" in error.details(), error

# A stream keeps the order of its requests, and one that fails does not end it.
got = []
client.start_stream(lambda result, error: got.append((result, error)))
for i in range(100):
    client.async_stream_infer("m", x([i, 1]) if i != 50 else x([1, 2, 3]), request_id=str(i))
client.stop_stream()
assert len(got) == 100
for i, (result, error) in enumerate(got):
    if i == 50:
        assert "inputs[0].shape" in str(error), error
    else:
        assert error is None and result.get_response().id == str(i) and result.as_numpy("y").tolist() == [[i + 1]]

# Health and reflection.
channel = grpc.insecure_channel(plain)
health = health_pb2_grpc.HealthStub(channel)
for name in ["", "inference.GRPCInferenceService", "m"]:
    assert health.Check(health_pb2.HealthCheckRequest(service=name)).status == 1, name
try:
    health.Check(health_pb2.HealthCheckRequest(service="none"))
    raise AssertionError("a service that there is not")
except grpc.RpcError as error:
    assert error.code() == grpc.StatusCode.NOT_FOUND
watching = health.Watch(health_pb2.HealthCheckRequest(service=""))
assert next(watching).status == 1
watching.cancel()
database = ProtoReflectionDescriptorDatabase(channel)
assert set(database.get_services()) == {
    "inference.GRPCInferenceService", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection"}
service = DescriptorPool(database).FindServiceByName("inference.GRPCInferenceService")
ours = {m.name: (m.input_type.full_name, m.output_type.full_name) for m in service.methods}
theirs = {m.name: (m.input_type.full_name, m.output_type.full_name) for m in pb.DESCRIPTOR.services_by_name["GRPCInferenceService"].methods}
assert ours.items() <= theirs.items() and "ModelStreamInfer" in ours
for method in service.methods:
    for message in (method.input_type, method.output_type):
        known = pb.DESCRIPTOR.message_types_by_name[message.name]
        for field in message.fields:
            same = known.fields_by_number[field.number]
            assert (field.name, field.type, field.is_repeated) == (same.name, same.type, same.is_repeated), field.full_name

# Models come and go.
client.unload_model("other")
assert not client.is_model_ready("other")
client.load_model("other")
assert client.is_model_ready("other")

# TLS and keys.
ssl = triton.InferenceServerClient(secure, ssl=True, root_certificates=certificate)
assert ssl.is_server_live()
fails("UNAUTHENTICATED", lambda: ssl.infer("m", x([1, 2])), "key")
fails("UNAUTHENTICATED", lambda: ssl.infer("m", x([1, 2]), headers={"authorization": "Bearer wrong"}))
answer = ssl.infer("m", x([1, 2]), headers={"authorization": f"Bearer {key}"})
assert answer.as_numpy("y").tolist() == [[3]]
assert ssl.infer("m", x([1, 2]), headers={"x-api-key": key}).as_numpy("y").tolist() == [[3]]
fails("PERMISSION_DENIED", lambda: ssl.unload_model("m", headers={"x-api-key": key}))
print("grpc ok")
