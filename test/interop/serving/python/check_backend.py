"""Sends every model's test data to the server, as JSON and as binary tensors of the Open Inference Protocol, and
compares the answers bit by bit with onnxruntime in Python. Prints a JSON object: how many models gave what, and every
difference."""

import collections
import glob
import http.client
import json
import os
import struct
import sys
import urllib.parse

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, numpy_helper

from backend_models import backend_tests

NUMPY = {
    "BOOL": np.bool_, "FP16": np.float16, "FP32": np.float32, "FP64": np.float64,
    "INT8": np.int8, "INT16": np.int16, "INT32": np.int32, "INT64": np.int64,
    "UINT8": np.uint8, "UINT16": np.uint16, "UINT32": np.uint32, "UINT64": np.uint64,
}  # fmt: skip
NAMES = {np.dtype(kind): name for name, kind in NUMPY.items()}
# What onnxruntime-node takes and gives.
PLAIN = {getattr(TensorProto, name) for name in
         "FLOAT DOUBLE FLOAT16 INT8 INT16 INT32 INT64 UINT8 UINT16 UINT32 UINT64 BOOL STRING".split()}  # fmt: skip

url = urllib.parse.urlsplit(sys.argv[1])
folder = sys.argv[2]
connection = http.client.HTTPConnection(url.hostname, url.port, timeout=120)
ort.set_default_logger_severity(4)


def call(method, path, body=None, headers={}):
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return response.status, response.read(), response.headers


def datatype(array):
    return "BYTES" if array.dtype.kind in "OUS" else NAMES[array.dtype]


def texts(array):
    return [item.decode() if isinstance(item, bytes) else str(item) for item in array.reshape(-1).tolist()]


def as_json(array):
    if datatype(array) == "BYTES":
        return texts(array)
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return array.reshape(-1).tolist()
    words = {True: "NaN", False: "Infinity"}
    return [
        item if np.isfinite(item) else words[item != item] if item != item or item > 0 else "-Infinity"
        for item in array.reshape(-1).tolist()
    ]


def as_bytes(array):
    if datatype(array) == "BYTES":
        encoded = [text.encode() for text in texts(array)]
        return b"".join(struct.pack("<I", len(item)) + item for item in encoded)
    return np.ascontiguousarray(array).tobytes()


def heads(feeds):
    return [{"name": name, "shape": list(a.shape), "datatype": datatype(a)} for name, a in feeds.items()]


def infer_json(path, feeds):
    inputs = [{**head, "data": as_json(a)} for head, a in zip(heads(feeds), feeds.values())]
    status, body, _ = call("POST", path, json.dumps({"inputs": inputs}))
    answer = json.loads(body)
    if status != 200:
        return status, answer["error"]
    outputs = {}
    for output in answer["outputs"]:
        kind = object if output["datatype"] == "BYTES" else NUMPY[output["datatype"]]
        data = [np.nan if item is None else item for item in output["data"]]
        outputs[output["name"]] = np.array(data, dtype=kind).reshape(output["shape"])
    return status, outputs


def infer_binary(path, feeds):
    raw = [as_bytes(array) for array in feeds.values()]
    inputs = [{**head, "parameters": {"binary_data_size": len(item)}} for head, item in zip(heads(feeds), raw)]
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    header = {"Inference-Header-Content-Length": str(len(head))}
    status, body, headers = call("POST", path, head + b"".join(raw), header)
    if status != 200:
        return status, json.loads(body)["error"]
    at = int(headers["Inference-Header-Content-Length"])
    outputs = {}
    for output in json.loads(body[:at])["outputs"]:
        size = output["parameters"]["binary_data_size"]
        outputs[output["name"]] = from_bytes(body[at : at + size], output["datatype"]).reshape(output["shape"])
        at += size
    return status, outputs


def from_bytes(raw, kind):
    if kind != "BYTES":
        return np.frombuffer(raw, NUMPY[kind])
    found, at = [], 0
    while at < len(raw):
        (size,) = struct.unpack_from("<I", raw, at)
        found.append(raw[at + 4 : at + 4 + size].decode())
        at += 4 + size
    return np.array(found, dtype=object)


def same(got, wanted, infinities):
    if got is None or got.shape != wanted.shape or datatype(got) != datatype(wanted):
        return False
    if datatype(wanted) == "BYTES":
        return texts(got) == texts(wanted)
    # NaN has many bit patterns; JSON has null for it and for infinities.
    nan = np.isnan(wanted) if infinities else ~np.isfinite(wanted)
    return np.array_equal(np.isnan(got), nan) and got[~nan].tobytes() == wanted[~nan].tobytes()


def read_value(file, kind):
    optional = kind.WhichOneof("value") == "optional_type"
    message = onnx.OptionalProto() if optional else onnx.TensorProto()
    with open(file, "rb") as stream:
        message.ParseFromString(stream.read())
    return numpy_helper.to_optional(message) if optional else numpy_helper.to_array(message)


def takes(kind):
    """True for a type of input that onnxruntime-node takes."""
    inner = kind.optional_type.elem_type if kind.WhichOneof("value") == "optional_type" else kind
    return inner.WhichOneof("value") == "tensor_type" and inner.tensor_type.elem_type in PLAIN


def gives(kind):
    return kind.WhichOneof("value") == "tensor_type" and kind.tensor_type.elem_type in PLAIN


counts = collections.Counter()
differences = []


def compare(name, feeds, wanted):
    path = f"/v2/models/{urllib.parse.quote(name, safe='')}/infer"
    for how, infer in (("JSON", infer_json), ("binary", infer_binary)):
        status, answer = infer(path, feeds)
        if status != 200:
            differences.append(f"{name}: {how}: {status} {answer}")
            continue
        for output, array in wanted.items():
            array = np.asarray(array)
            if not same(answer.get(output), array, how == "binary"):
                differences.append(f"{name}: {how}: {output}: {answer.get(output)!r} instead of {array!r}"[:400])


def refused(name, why):
    """The server must say that it cannot serve this model, as a fault of the request."""
    status, body, _ = call("GET", f"/v2/models/{urllib.parse.quote(name, safe='')}")
    if status != 400 or "error" not in json.loads(body):
        differences.append(f"{name}: {why}, and the answer is {status} {body[:200]!r}")


def check_backend_test(name, source):
    model = onnx.load(os.path.join(source, "model.onnx"))
    given = {initializer.name for initializer in model.graph.initializer}
    inputs = [one for one in model.graph.input if one.name not in given]
    outputs = list(model.graph.output)
    if not all(takes(one.type) for one in inputs) or not all(gives(one.type) for one in outputs):
        counts["of types that onnxruntime-node does not handle"] += 1
        refused(name, "it has types that the runtime does not handle")
        return
    data = os.path.join(source, "test_data_set_0")
    files = [os.path.join(data, f"input_{i}.pb") for i in range(len(model.graph.input))]
    feeds = {one.name: read_value(file, one.type) for one, file in zip(model.graph.input, files) if os.path.exists(file)}
    if any(array is None for array in feeds.values()):
        counts["given an empty optional"] += 1
        return
    feeds = {key: np.asarray(array) for key, array in feeds.items()}
    try:
        session = ort.InferenceSession(os.path.join(source, "model.onnx"), providers=["CPUExecutionProvider"])
        found = session.run([one.name for one in outputs], feeds)
    except Exception as error:  # whatever the runtime has against the model
        if "construct locale" not in str(error):
            counts["not run by onnxruntime"] += 1
            status, answer = infer_binary(f"/v2/models/{urllib.parse.quote(name, safe='')}/infer", feeds)
            if status != 400:
                differences.append(f"{name}: Python says {error}, the server {status} {answer}"[:400])
            return
        # We replace a locale that the machine does not have: the expected values are in the test.
        stored = sorted(glob.glob(os.path.join(data, "output_*.pb")))
        found = [read_value(file, one.type) for file, one in zip(stored, outputs)]
    counts["compared"] += 1
    compare(name, feeds, {one.name: array for one, array in zip(outputs, found)})


def check_odd_models():
    """Identity models: what goes in must come out."""
    for name, kind in NUMPY.items():
        values = extremes(np.dtype(kind))
        onnx_name = {"FP16": "FLOAT16", "FP32": "FLOAT", "FP64": "DOUBLE"}.get(name, name)
        for array in (values, values.reshape(1, -1, 1), values[:0], values[0]):
            compare(f"odd {onnx_name}", {"x": np.asarray(array)}, {"y": np.asarray(array)})
    strings = np.array(["", " ", "größe 😀", "\u2028\"\\\n", "x" * 100_000], dtype=object)
    compare("odd STRING", {"x": strings}, {"y": strings})
    compare("odd STRING", {"x": strings[:0].reshape(0, 2)}, {"y": strings[:0].reshape(0, 2)})
    two = np.array([1, -2.5], np.float32)
    for name in ("odd names %2F é 😀 + & #", "odd many", "odd untyped"):
        session = ort.InferenceSession(os.path.join(folder, f"{name}.onnx"), providers=["CPUExecutionProvider"])
        feeds = {one.name: two + i for i, one in enumerate(session.get_inputs())}
        compare(name, feeds, dict(zip([one.name for one in session.get_outputs()], feeds.values())))
    compare("odd scalar", {"x": np.array(0.1, np.float32)}, {"y": np.array(0.1, np.float32)})
    compare("odd zero", {"x": np.zeros((0, 3), np.float32)}, {"y": np.zeros((0, 3), np.float32)})
    refused("odd garbage", "it is no model")
    refused("odd empty", "it is empty")


def extremes(kind):
    if kind.kind == "b":
        return np.array([True, False])
    if kind.kind in "iu":
        limits = np.iinfo(kind)
        return np.array([limits.min, limits.max, limits.max - 1, 0, 1], kind)
    limits = np.finfo(kind)
    some = [0.0, -0.0, 0.1, limits.max, limits.min, limits.tiny, limits.smallest_subnormal, np.nan, np.inf, -np.inf]
    return np.array([*some, 1 / 3, 2049, 65519], np.float64).astype(kind)


for served, source in backend_tests():
    check_backend_test(served, source)
check_odd_models()
print(json.dumps({**counts, "differences": differences}))
