"""Loads a model folder of ours with MLflow, and scores it by both its pyfunc and our /invocations."""

import sys
from urllib.parse import urlparse

import mlflow.onnx
import mlflow.pyfunc
import numpy as np
import pandas as pd
import requests
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

folder, url = sys.argv[1:3]
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
# MLflow's own client of its scoring protocol, against one more server that has only this model.
only = sys.argv[3]
client = ScoringServerClient(urlparse(only).hostname, urlparse(only).port)
client.ping()
client.wait_server_ready(timeout=10, scoring_server_proc=None)
assert client.get_version() == "3.17.2", client.get_version()
for data in (x, pd.DataFrame(x, columns=list("abcd"))):
    answer = client.invoke(data, params={"unknown": 1})
    assert answer["predictions"]["output_label"] == wanted, answer
assert requests.get(url + "/ping").status_code == 200
print("mlflow ok")
