"""Runs the examples with their real frameworks, and the client by itself. A JSON command a line on stdin, an answer on stdout."""

import datetime
import decimal
import json
import os
import sys
import threading
import time
import urllib.request
from wsgiref.simple_server import WSGIRequestHandler, make_server

sys.path.insert(0, sys.argv[1])
# Nothing but the client's own module may be needed for it.
before = set(sys.modules)
import mlops_client  # noqa: E402

loaded = sorted({name.split(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names))

import django  # noqa: E402
from django.conf import settings  # noqa: E402

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="x", MIDDLEWARE=[])
django.setup()
import django_view  # noqa: E402
import fastapi_route  # noqa: E402
import flask_route  # noqa: E402
import numpy  # noqa: E402
import uvicorn  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import path  # noqa: E402

urlpatterns = [path("classify", django_view.classify), path("confirm", django_view.confirm)]
clients = {"django": django_view.mlops, "flask": flask_route.mlops, "fastapi": fastapi_route.mlops}


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def serve_wsgi(application):
    server = make_server("127.0.0.1", 0, application, handler_class=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def serve_asgi(application):
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=0, log_level="error"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.01)
    return server.servers[0].sockets[0].getsockname()[1]


ports = {
    "django": serve_wsgi(get_wsgi_application()),
    "flask": serve_wsgi(flask_route.app),
    "fastapi": serve_asgi(fastapi_route.app),
}
made = {}


class Odd:
    def __str__(self):
        return "odd"


class Broken:
    def __str__(self):
        raise RuntimeError("no text")


circle = []
circle.append(circle)
odd = {
    "numpy": numpy.float32(0.5),
    "array": numpy.arange(4).reshape(2, 2),
    "huge": numpy.zeros(100_000),
    "nan": float("nan"),
    "when": datetime.datetime(2030, 1, 2, tzinfo=datetime.timezone.utc),
    "decimal": decimal.Decimal("1.5"),
    "bytes": b"abc",
    "odd": Odd(),
    "set": {1},
    3: None,
}


def do(command):
    what = command["do"]
    if what == "loaded":
        return loaded
    if what == "post":
        url = "http://127.0.0.1:%d%s" % (ports[command["app"]], command["path"])
        form = command.get("form")
        data = form.encode() if form is not None else json.dumps(command["json"]).encode()
        kind = "application/x-www-form-urlencoded" if form is not None else "application/json"
        with urllib.request.urlopen(urllib.request.Request(url, data, {"content-type": kind}), timeout=20) as answer:
            return json.load(answer)
    if what == "client":
        made[command["name"]] = mlops_client.Client(**command["with"])
        return True
    client = made.get(command.get("client")) or clients.get(command.get("client"))
    if what == "log":
        started = time.perf_counter()
        ids = [client.log(prediction=i % 2, inputs={"i": i}) for i in range(command["count"])]
        return {"seconds": time.perf_counter() - started, "first": ids[0], "different": len(set(ids))}
    if what == "odd":
        return [client.log(inputs=odd, prediction="x"), client.log(inputs={"a": circle}), client.log(inputs=Broken())]
    if what == "mixed":  # a record that is refused among others
        client.log(prediction="good", id="g1")
        client.log(prediction={"bad": 1}, id="b1")
        client.log(prediction="good", id="g2")
        client.log(prediction="again", id="g2")
        return client.label("g1", "good")
    if what == "run":
        with client.run("from python", name="first", params={"rate": 0.1}, tags={"kind": "test"}) as run:
            for step in range(3):
                run.metric("loss", 1.0 / (step + 1), step=step)
            run.metric("odd", float("nan"))
        client.flush(20)
        return run.id
    if what == "fork":
        client.log(prediction="parent")
        child = os.fork()
        if child == 0:
            client.log(prediction="child")
            client.close(20)
            os._exit(0)
        return os.waitpid(child, 0)[1]
    if what == "error":
        try:
            with client.predicting(inputs={"a": 1}) as p:
                raise KeyError("lost")
        except KeyError:
            return p.id
    if what == "flush":
        return client.flush(command["timeout"])
    if what == "counts":
        return client.counts()
    raise ValueError(what)


print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    print(json.dumps(do(json.loads(line))), flush=True)
