"""Compares /invocations with MLflow's own scoring server, over signatures, forms of input and kinds of outputs.

    check_scoring.py make FOLDER     makes the model folders
    check_scoring.py ask FOLDER URL  prints what differs, then how many answers were compared
"""

import json
import os
import sys

import mlflow.onnx
import mlflow.pyfunc
import numpy as np
import onnx
import requests
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.pyfunc.scoring_server import invocations
from mlflow.types import ColSpec, Schema, TensorSpec
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

F, I, S, B = T.FLOAT, T.INT64, T.STRING, T.BOOL
node, tensor = h.make_node, lambda name, kind, *shape: h.make_tensor_value_info(name, kind, shape)


def graph(nodes, inputs, outputs, **constants):
    made = [nh.from_array(np.asarray(value), name) for name, value in constants.items()]
    opsets = [h.make_opsetid("", 17)]
    return h.make_model(h.make_graph(nodes, "g", inputs, outputs, made), opset_imports=opsets, ir_version=8)


def iris():
    from skl2onnx import to_onnx
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    data = load_iris()
    names = np.array(["setosa", "versicolor", "virginica"])[data.target]
    model = LogisticRegression(max_iter=500).fit(data.data.astype("float32"), names)
    return to_onnx(model, data.data[:1].astype("float32"), target_opset={"": 15, "ai.onnx.ml": 3})


X = tensor("X", F, "N", 4)
weights = np.float32([[1], [2], [3], [4]])
GRAPHS = {
    "lin": graph([node("MatMul", ["X", "w"], ["Y"])], [X], [tensor("Y", F, "N", 1)], w=weights),
    "flat": graph([node("ReduceSum", ["X", "a"], ["Y"], keepdims=0)], [X], [tensor("Y", F, "N")], a=np.int64([1])),
    "wide": graph([node("Identity", ["X"], ["Y"])], [X], [tensor("Y", F, "N", 4)]),
    "two": graph(
        [node("ReduceSum", ["X", "a"], ["total"], keepdims=0), node("ArgMax", ["X"], ["best"], axis=1, keepdims=0)],
        [X],
        [tensor("total", F, "N"), tensor("best", I, "N")],
        a=np.int64([1]),
    ),
    "uneven": graph(
        [node("Identity", ["X"], ["scores"]), node("ArgMax", ["X"], ["best"], axis=1, keepdims=0)],
        [X],
        [tensor("best", I, "N"), tensor("scores", F, "N", 4)],
    ),
    "pair": graph([node("Sub", ["sl", "sw"], ["d"])], [tensor("sl", F, "N"), tensor("sw", F, "N")], [tensor("d", F, "N")]),
    "columns": graph(
        [node("Sub", ["sl", "sw"], ["d"])], [tensor("sl", F, "N", 1), tensor("sw", F, "N", 1)], [tensor("d", F, "N", 1)]
    ),
    "long": graph([node("Identity", ["X"], ["Y"])], [tensor("X", I, "N", 2)], [tensor("Y", I, "N", 2)]),
    "text": graph([node("Identity", ["X"], ["Y"])], [tensor("X", S, "N", 2)], [tensor("Y", S, "N", 2)]),
    "truth": graph([node("Not", ["X"], ["Y"])], [tensor("X", B, "N", 2)], [tensor("Y", B, "N", 2)]),
}
four = list("abcd")
cols = lambda kind, names: ModelSignature(Schema([ColSpec(kind, name) for name in names]))
tens = lambda *specs: ModelSignature(Schema([TensorSpec(np.dtype(kind), shape, name) for kind, shape, name in specs]))
SIGNATURES = {
    **{name: {"none": None, "cols": cols("double", four), "tensor": tens(("float32", (-1, 4), None)), "named": tens(("float32", (-1, 4), "X"))}
       for name in ("lin", "flat", "wide", "two", "uneven", "iris")},
    **{name: {"none": None, "cols": cols("double", ["sl", "sw"]), "float": cols("float", ["sl", "sw"])} for name in ("pair", "columns")},
    "long": {"none": None, "cols": cols("long", ["a", "b"]), "named": tens(("int64", (-1, 2), "X"))},
    "text": {"none": None, "cols": cols("string", ["a", "b"])},
    "truth": {"none": None, "cols": cols("boolean", ["a", "b"])},
}
SIGNATURES["pair"]["named"] = tens(("float32", (-1,), "sl"), ("float32", (-1,), "sw"))
SIGNATURES["columns"]["named"] = tens(("float32", (-1, 1), "sl"), ("float32", (-1, 1), "sw"))
JSON, CSV = "application/json", "text/csv"


def bodies(names, rows, tensors):
    """Every form in which the rows may come: (content type, body)."""
    table = [dict(zip(names, row)) for row in rows]
    turned = dict(zip(names, map(list, zip(*rows))))
    back = names[::-1]
    csv = lambda header, lines: ",".join(header) + "\n" + "".join(",".join(map(str, line)) + "\n" for line in lines)
    for value in (
        {"dataframe_split": {"columns": names, "data": rows}},
        {"dataframe_split": {"columns": names, "index": [7 + i for i in range(len(rows))], "data": rows}},
        {"dataframe_split": {"columns": back, "data": [row[::-1] for row in rows]}},
        {"dataframe_split": {"columns": [*names, "more"], "data": [[*row, 9] for row in rows]}},
        {"dataframe_split": {"data": rows}},
        {"dataframe_split": {"columns": names, "data": []}},
        {"dataframe_records": table},
        {"dataframe_records": table[:1]},
        {"dataframe_records": [dict(reversed(list(record.items()))) for record in table]},
        {"dataframe_records": []},
        {"instances": table},
        {"instances": rows},
        {"instances": rows[:1]},
        {"instances": []},
        {"inputs": table},
        {"inputs": rows},
        {"inputs": rows[0]},
        {"inputs": turned},
        {"inputs": {name: values[0] for name, values in turned.items()}},
        {"inputs": {**turned, "more": [9] * len(rows)}},
        {"inputs": {name: [] for name in names}},
        {"inputs": tensors},
        {"instances": [{name: values[i] for name, values in tensors.items()} for i in range(len(rows))]},
        {"inputs": dict(list(turned.items())[1:])},
        {"dataframe_records": [dict(list(record.items())[1:]) for record in table]},
        {"dataframe_records": [{**table[0], names[0]: None}, *table[1:]]},
    ):
        yield JSON, json.dumps(value)
    yield CSV, csv(names, rows)
    yield CSV, csv(back, [row[::-1] for row in rows])
    yield CSV, csv([*names, "more"], [[*row, 9] for row in rows])
    yield CSV, csv(names, [])
    yield CSV, csv(names, rows[:1])
    yield CSV, csv(names, [["", *rows[0][1:]], *rows[1:]])
    yield CSV, csv(names, rows).replace("\n", "\r\n")
    yield CSV, csv([f'"{name}"' for name in names], [[f'"{cell}"' for cell in row] for row in rows])


def data(name):
    if name in ("pair", "columns"):
        rows = [[1.5, 0.25], [3, 8]]
        turned = [list(column) for column in zip(*rows)]
        wrapped = turned if name == "pair" else [[[cell] for cell in column] for column in turned]
        return ["sl", "sw"], rows, dict(zip(["sl", "sw"], wrapped))
    rows = {"long": [[1, -2], [2**53 + 1, 4]], "text": [["02139", "x"], ["true", "ü"]], "truth": [[True, False], [False, False]]}
    own = rows.get(name, [[5.1, 3.5, 1.5, 0.25], [6.5, 3, 5.5, 2], [0, 1, 0, 1]])
    return four[: len(own[0])], own, {"X": own}


WORDS = ["", "NA", "N/A", "null", "NULL", "None", "NaN", "nan", "n/a", "<NA>", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN",
         "-nan", "1.#IND", "1.#QNAN", "na", "none", "x", "inf", "-inf", "Infinity", "-Infinity", "INF", "+inf", "infinity", "1e3", "1E3", "1e400",
         "+5", " 5", "5 ", ".5", "5.", "0x10", "1_000", "007", "true", "True", "1,5", "--1", "1e", "1.5.2", '"5"', '""', "nAn", "-", "+", "1d5"]


def word_bodies(names, rows):
    for word in WORDS:
        yield CSV, ",".join(names) + "\n" + ",".join([word, *map(str, rows[0][1:])]) + "\n" + ",".join(map(str, rows[1])) + "\n"


def made(folder):
    for name, kinds in SIGNATURES.items():
        for kind, signature in kinds.items():
            mlflow.onnx.save_model(iris() if name == "iris" else GRAPHS[name], os.path.join(folder, f"{name}_{kind}"), signature=signature, pip_requirements=["onnx"])


def theirs(model, body, kind):
    try:
        answer = invocations(body, kind, model, model.metadata.get_input_schema())
        return answer.status, answer.response
    except MlflowException as error:
        return error.get_http_status_code(), error.message
    except Exception as error:  # their server answers 500
        return 500, repr(error)


def deliberate(name, body):
    """Where we differ on purpose: a text stays what was sent (pandas makes 'nan' of NA, 'True' of true, 2139 of 02139), a
    missing text or truth is refused, and so is a row with more fields than the header."""
    if "1,5," in body:
        return True
    return name == "text" and not body.startswith("{") or name in ("text", "truth") and "null" in body


def near(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(near(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(near, a, b))
    if isinstance(a, bool) or isinstance(b, bool) or isinstance(a, str) or isinstance(b, str):
        return a == b
    if isinstance(a, float) and not np.isfinite(a):
        return b is None
    if type(a) not in (int, float) or type(b) not in (int, float):
        return a is None and b is None
    return abs(a - b) <= 1e-5 * max(1, abs(a))


def main():
    if sys.argv[1] == "make":
        return made(sys.argv[2])
    folder, url = sys.argv[2:4]
    compared = 0
    for name, kinds in SIGNATURES.items():
        for kind in kinds:
            model = mlflow.pyfunc.load_model(os.path.join(folder, f"{name}_{kind}"))
            names, rows, tensors = data(name)
            asked = list(bodies(names, rows, tensors))
            if name in ("lin", "text", "long", "truth", "pair"):
                asked += word_bodies(names, rows)
            for content, body in asked:
                status, right = theirs(model, body, content)
                got = requests.post(f"{url}/invocations?model={name}_{kind}", data=body.encode(), headers={"content-type": content})
                compared += 1
                if status == 200:
                    wanted = json.loads(right)["predictions"]
                    if deliberate(name, body):
                        continue
                    if got.status_code != 200 or not near(wanted, got.json()["predictions"]):
                        print(f"{name}_{kind} {body!r:.150}\n   right {wanted!r:.200}\n   got   {got.status_code} {got.text:.250}")
                elif len(sys.argv) > 4 and got.status_code == 200:
                    print(f"{name}_{kind} {body!r:.150}\n   right {status} {right[-160:]!r}\n   got   {got.text:.200}")
    print("compared", compared)


if __name__ == "__main__":
    main()
