"""Loads a model folder of ours with MLflow, and scores it by both its pyfunc and our /invocations."""

import sys

import mlflow.onnx
import mlflow.pyfunc
import numpy as np
import requests

folder, url = sys.argv[1:]
assert mlflow.onnx.load_model(folder).graph.input[0].name == "X"
model = mlflow.pyfunc.load_model(folder)
assert str(model.metadata.get_input_schema()) == "['X': Tensor('float32', (-1, 4))]"
x = np.array([[5.1, 3.5, 1.4, 0.2], [6.2, 3.4, 5.4, 2.3]], np.float32)
wanted = model.predict(x)["output_label"].tolist()
assert model.predict(model.input_example)["output_label"].shape == (1,)
for body in ({"inputs": x.tolist()}, {"inputs": {"X": x.tolist()}}, {"instances": x.tolist()},
             {"dataframe_split": {"columns": list("abcd"), "data": x.tolist()}}):
    answer = requests.post(url + "/invocations?model=ours", json=body)
    assert answer.json()["predictions"]["output_label"] == wanted, answer.text
assert requests.get(url + "/ping").status_code == 200
print("mlflow ok")
