"""Asks /predict for what make_models.py recorded and compares. Prints a line for each model."""

import json
import sys

import numpy as np
import requests

url, folder = sys.argv[1:]


def expected(name):
    with open(f"{folder}/{name}.expected.json") as file:
        return json.load(file)


def predict(model, body, path="/predict"):
    answer = requests.post(url + path, json={"model": model, **body})
    assert answer.status_code == 200, (model, answer.text)
    return answer.json()


for model in ("iris", "wine", "breast_cancer", "digits"):
    wanted = expected(model)
    got = predict(model, {"inputs": {"X": wanted["inputs"]}})
    assert got["labels"] == wanted["labels"], model
    np.testing.assert_allclose(got["outputs"]["output_probability"], wanted["probabilities"], rtol=1e-4, atol=1e-5)
    print(model, "ok")

wanted = expected("diabetes")
got = predict("diabetes", {"instances": wanted["inputs"]})
np.testing.assert_allclose(np.ravel(got["outputs"]["progression"]), wanted["progression"], rtol=1e-5)
assert got["units"] == {"progression": "points"}
one = predict("diabetes", wanted["inputs"][0])
np.testing.assert_allclose(np.ravel(one["outputs"]["progression"]), wanted["progression"][:1], rtol=1e-5)
wrong = requests.post(url + "/predict", json={"model": "diabetes", **{**wanted["inputs"][0], "agee": 3}})
assert wrong.status_code == 400 and "age" in wrong.json()["error"]["hint"], wrong.text
print("diabetes ok")

wanted = expected("mixed")
for rows, scores in (
    (wanted["inputs"], wanted["scores"]),
    ([{"age": row["age"], "city": row["city"]} for row in wanted["inputs"]], wanted["absent"]),
):
    for body in ({"instances": rows}, {"inputs": {name: [row[name] for row in rows] for name in rows[0]}}):
        got = predict("mixed", body)
        np.testing.assert_allclose(got["outputs"]["kind"], scores, rtol=1e-4, atol=1e-5)
        for label, top, row in zip(got["labels"], got["top"], np.array(scores)):
            order = np.argsort(-row)[:3]
            assert [one["label"] for one in top] == [wanted["labels"][i] for i in order], (top, row)
            np.testing.assert_allclose([one["score"] for one in top], row[order], rtol=1e-4, atol=1e-5)
            assert label == (wanted["labels"][order[0]] if row[order[0]] >= 0.5 else "unknown"), (label, row)
for change, place in (({"age": 121}, "age"), ({"age": "x"}, "age"), ({"visits": 1.5}, "visits"), ({"city": "Rom"}, "city"), ({"member": True}, "member")):
    wrong = requests.post(url + "/predict", json={"model": "mixed", **{**wanted["inputs"][0], **change}})
    assert wrong.status_code == 400 and wrong.json()["error"]["path"] == f"inputs[0].{place}", wrong.text
print("mixed ok")

wanted = expected("text")
got = predict("text", {"inputs": {"text": wanted["inputs"]}})
np.testing.assert_allclose(got["outputs"]["variable"], wanted["vectors"], rtol=1e-4, atol=1e-5)
print("text ok")

wanted = expected("bert")
got = predict("bert", {"text": wanted["inputs"]})
np.testing.assert_allclose(got["outputs"]["embedding"], wanted["embedding"], rtol=1e-4, atol=1e-5)
print("bert ok")

for pooling in ("cls", "max"):
    other = expected("bert_" + pooling)
    got = predict("bert_" + pooling, {"text": other["inputs"]})
    np.testing.assert_allclose(got["outputs"]["embedding"], other["embedding"], rtol=1e-4, atol=1e-5)
    print(pooling, "pooling ok")

vectors = np.array(wanted["embedding"])
got = predict("bert", {"inputs": {"text": wanted["inputs"]}}, "/predict/similarity")
np.testing.assert_allclose(got["similarity"], vectors @ vectors.T, rtol=1e-4, atol=1e-5)
got = predict("bert", {"query": {"text": wanted["inputs"][0]}, "candidates": {"text": wanted["inputs"][1:4]}}, "/predict/similarity")
np.testing.assert_allclose(got["scores"], vectors[1:4] @ vectors[0], rtol=1e-4, atol=1e-5)
print("similarity ok")

wanted = expected("magika")
got = predict("magika", {"inputs": {wanted["input"]: wanted["inputs"]}})
np.testing.assert_allclose(got["outputs"][wanted["output"]], wanted["scores"], rtol=1e-4, atol=1e-6)
print("magika ok")
