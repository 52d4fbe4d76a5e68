"""Drives the server with NVIDIA's tritonclient in all combinations of JSON, binary and compression."""

import json
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

url, folder = sys.argv[1:]
client = triton.InferenceServerClient(url)
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("iris")
assert client.get_server_metadata()["name"] == "mlops"
metadata = client.get_model_metadata("iris")
assert metadata["inputs"] == [{"name": "X", "datatype": "FP32", "shape": [-1, 4]}], metadata
with open(f"{folder}/iris.expected.json") as file:
    wanted = json.load(file)
x = np.array(wanted["inputs"], np.float32)
for binary_in in (True, False):
    for binary_out in (True, False):
        for compression in (None, "gzip", "deflate"):
            tensor = triton.InferInput("X", x.shape, "FP32")
            tensor.set_data_from_numpy(x, binary_data=binary_in)
            outputs = [triton.InferRequestedOutput(name, binary_data=binary_out) for name in ("output_probability", "output_label")]
            result = client.infer("iris", [tensor], outputs=outputs, request_id="me", request_compression_algorithm=compression)
            assert result.get_response()["id"] == "me"
            assert [output["name"] for output in result.get_response()["outputs"]] == ["output_probability", "output_label"]
            np.testing.assert_allclose(result.as_numpy("output_probability"), wanted["probabilities"], rtol=1e-4, atol=1e-5)
            labels = [label.decode() if isinstance(label, bytes) else label for label in result.as_numpy("output_label").tolist()]
            assert labels == wanted["labels"]
texts = np.array([["the cat"], ["größe 😀"]], object)
tensor = triton.InferInput("text", texts.shape, "BYTES")
tensor.set_data_from_numpy(texts)
assert client.infer("text", [tensor]).as_numpy("variable").shape == (2, 3)
tensor = triton.InferInput("X", [1, 3], "FP32")
tensor.set_data_from_numpy(x[:1, :3])
try:
    client.infer("iris", [tensor])
    raise AssertionError("a wrong shape was accepted")
except InferenceServerException as error:
    assert error.status() == "400" and "[1, 3]" in error.message(), error
assert any(model["name"] == "iris" and model["state"] == "READY" for model in client.get_model_repository_index())
statistics = client.get_inference_statistics("iris")["model_stats"][0]
assert statistics["inference_stats"]["success"]["count"] >= 12 and statistics["execution_count"] >= 12
client.unload_model("wine")
assert not client.is_model_ready("wine")
client.load_model("wine")
assert client.is_model_ready("wine")
print("triton ok")
