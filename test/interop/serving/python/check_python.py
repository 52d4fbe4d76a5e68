"""Models that Python runs, compared with MLflow's own scoring server in all forms of input.

    check_python.py make FOLDER     makes the model folders
    check_python.py ask FOLDER URL  prints what differs, then how many answers were compared
"""

import json
import os
import sys
import time

import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import pandas as pd
import requests
from check_scoring import JSON, bodies, near, theirs
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FOUR = list("abcd")
ROWS = [[5.1, 3.5, 1.5, 0.25], [6.5, 3, 5.5, 2], [0, 1, 0, 1]]


class Function(mlflow.pyfunc.PythonModel):
    def __init__(self, function):
        self.function = function

    def predict(self, context, model_input, params=None):
        return self.function(model_input, params)


def numbers(table):
    return np.asarray(table, dtype=float)


def record(table, params):
    return pd.DataFrame({"sum": numbers(table).sum(axis=1), "text": ["ü" if row[0] > 1 else "x" for row in numbers(table)]})


def series(table, params):
    return pd.Series(numbers(table).sum(axis=1), name="total")


def nested(table, params):
    return [{"first": row[0], "all": list(row), "none": None} for row in numbers(table)]


def columns(table, params):
    return {"sum": numbers(table).sum(axis=1), "rows": numbers(table)}


def words(table, params):
    return ["a" if row[0] > 1 else "b" for row in numbers(table)]


def single(table, params):
    return {"count": len(table), "names": ["x"]}


def centred(table, params):
    return numbers(table)[:, 0] - numbers(table)[:, 0].mean()


RETURNS = {one.__name__: one for one in (record, series, nested, columns, words, single)}


def returns(table, params):
    return RETURNS[(params or {})["kind"]](table, params)


def kinds(table, params):
    return [" ".join(str(value) for value in row) for row in table.itertuples(index=False)]


def naughty(table, params):
    what = str(table["what"].iloc[0])
    if what == "raise":
        raise ValueError("no such word")
    if what == "die":
        os.kill(os.getpid(), 9)
    if what == "leave":
        sys.exit(3)
    if what == "hang":
        time.sleep(600)
    if what == "eat":
        kept = []
        while True:
            kept.append(np.ones(1 << 22))
    print("said on stdout")
    return [f"{os.getpid()}" for _ in range(len(table))]


def cols(*specs):
    return ModelSignature(Schema([ColSpec(kind, name, **dict(*more)) for kind, name, *more in specs]))


def make(folder):
    iris = load_iris()
    names = np.array(["setosa", "versicolor", "virginica"])[iris.target]
    table = pd.DataFrame(iris.data, columns=FOUR)
    logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    at = lambda name: os.path.join(folder, name)
    needs = ["scikit-learn"]
    forest = RandomForestClassifier(10, random_state=0).fit(table, names)
    mlflow.sklearn.save_model(forest, at("forest"), serialization_format="cloudpickle", input_example=table[:4], pip_requirements=["scikit-learn==0.1", "nowhere==1.0"])
    line = LinearRegression().fit(table, iris.target)
    mlflow.sklearn.save_model(line, at("line"), signature=infer_signature(table, line.predict(table)), pip_requirements=needs)
    arrays = logistic.fit(iris.data, names)
    mlflow.sklearn.save_model(arrays, at("array"), input_example=iris.data[:2], pip_requirements=needs)
    mlflow.sklearn.save_model(arrays, at("bare"), pip_requirements=needs)
    four = cols(*[("double", name) for name in FOUR])
    kind = ModelSignature(four.inputs, params=ParamSchema([ParamSpec("kind", "string", "record")]))
    mixed = cols(("string", "s"), ("long", "n"), ("boolean", "t"), ("float", "f"), ("integer", "i"))
    optional = cols(("double", "a"), ("string", "s", {"required": False}))
    dated = cols(("datetime", "when"), ("binary", "blob"))
    for name, function, signature in [
        ("centred", centred, four),
        ("returns", returns, kind),
        ("mixed", kinds, mixed),
        ("optional", kinds, optional),
        ("dated", kinds, dated),
        ("naughty", naughty, cols(("string", "what"))),
    ]:
        mlflow.pyfunc.save_model(at(name), python_model=Function(function), signature=signature, pip_requirements=["numpy"])


def asked(name):
    if name == "mixed":
        rows = [["ä", 2**53 + 1, True, 0.5, 3], ["0", -1, False, 2, 4]]
        return bodies(["s", "n", "t", "f", "i"], rows, {})
    if name == "optional":
        return bodies(["a", "s"], [[1.5, "x"], [2, "y"]], {})
    if name == "dated":
        return bodies(["when", "blob"], [["2026-01-02T03:04:05", "aGk="], ["1999-12-31", "aG8="]], {})
    own = list(bodies(FOUR, ROWS, {"X": ROWS}))
    if name == "returns":
        split = {"columns": FOUR, "data": ROWS}
        own += [(JSON, json.dumps({"dataframe_split": split, "params": {"kind": kind}})) for kind in (*RETURNS, 3)]
    return own


def ask(folder, url):
    compared = 0
    for name in sorted(os.listdir(folder)):
        if name in ("naughty", "line"):
            continue
        model = mlflow.pyfunc.load_model(os.path.join(folder, name))
        for content, body in asked(name):
            status, right = theirs(model, body, content)
            got = requests.post(f"{url}/invocations?model={name}", data=body.encode(), headers={"content-type": content})
            compared += 1
            same = got.status_code == 200 and near(json.loads(right)["predictions"], got.json()["predictions"]) if status == 200 else True
            if not same or got.status_code >= 500 or (status != 200 and "-v" in sys.argv):
                print(f"{name} {content} {body!r:.160}\n   right {status} {right!r:.200}\n   got   {got.status_code} {got.text:.300}")
    print("compared", compared)


if __name__ == "__main__":
    make(sys.argv[2]) if sys.argv[1] == "make" else ask(*sys.argv[2:4])
