"""The Python client and the Django view against a server. argv: folder of the client, address, folder with photo.png"""
import os
import sys

sys.dont_write_bytecode = True
examples, url, folder = sys.argv[1:]
sys.path.insert(0, examples)
os.environ["MLOPS_URL"] = url

import numpy as np
from mlops_client import Client, MlopsError

mlops = Client(model="m")


def fails(call, **facts):
    try:
        call()
    except MlopsError as error:
        for name, value in facts.items():
            assert getattr(error, name) == value, (name, getattr(error, name), str(error))
        return
    raise AssertionError("expected an error: %r" % facts)


answer = mlops.predict({"x": [[1, 2], [3, 4]]})
assert answer["outputs"]["y"] == [[3], [7]] and answer["model_version"] == "1", answer
assert mlops.predict({"x": np.array([[1, 2]], np.float32)}, outputs=["y"])["outputs"] == {"y": [[3]]}
assert mlops.predict({"x": [[1, float("nan")]]})["outputs"]["y"] == [[None]]
fails(lambda: mlops.predict({"x": [[1, "a"]]}), status=400, code="invalid_input", path="inputs.x[0][1]")
fails(lambda: mlops.predict({"x": [[1, 2]]}, model="none"), status=404, code="model_not_found")
fails(lambda: mlops.predict({"x": [[1, 2]]}, version="9"), status=404)
fails(lambda: Client("http://127.0.0.1:1").predict({"x": [[1, 2]]}), status=0, code="unreachable")
fails(lambda: Client("").predict({"x": [[1, 2]]}), status=0)
alike = mlops.similarity(query={"x": [1, 0]}, candidates={"x": [[0, 1], [2, 0]]}, model="vectors")
assert alike["ranking"] == [1, 0] and abs(alike["scores"][1] - 1) < 1e-6, alike
assert np.allclose(mlops.similarity(inputs={"x": [[1, 0], [0, 3]]}, model="vectors")["similarity"], np.eye(2))

# In a child of a process that has asked already, the connection is a new one.
child = os.fork()
if child == 0:
    os._exit(0 if mlops.predict({"x": [[5, 5]]})["outputs"]["y"] == [[10]] else 1)
assert os.waitpid(child, 0)[1] == 0
assert mlops.predict({"x": [[1, 1]]})["outputs"]["y"] == [[2]]
mlops.feedback(answer["prediction_id"] + "#0", label=3, reward=0.5)

# The Django view: a photo, what is no photo, none.
import django
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory

settings.configure(ALLOWED_HOSTS=["*"])
django.setup()
import json

import django_detector as views

requests = RequestFactory()


def upload(**files):
    answer = views.detect(requests.post("/detect", files))
    return answer.status_code, json.loads(answer.content)


photo = open(os.path.join(folder, "photo.png"), "rb").read()
status, found = upload(photo=SimpleUploadedFile("skin.png", photo))
assert status == 200 and [one["label"] for one in found["found"]] == ["naevus", "melanoma"], found
# The model's rows are pixels of 640 x 640 into which 320 x 320 was enlarged.
assert [round(v) for v in found["found"][0]["box"]] == [20, 15, 150, 110], found
status, said = upload(photo=SimpleUploadedFile("skin.png", b"no picture"))
assert status == 400 and "picture" in said["error"], said
assert upload()[0] == 400
assert json.loads(views.confirm(requests.post("/confirm", {"id": found["id"], "label": "melanoma"})).content) == {"thanks": True}
assert mlops.flush() and views.mlops.flush()
assert views.mlops.counts()["sent"] == 1 and views.mlops.counts()["rejected"] == 0, views.mlops.counts()
print("clients ok")
