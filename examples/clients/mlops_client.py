"""Logs predictions, labels and runs to an mlops server. One file, nothing to install: copy it into your application.

    from mlops_client import Client

    mlops = Client("http://127.0.0.1:5000", model="skin", version="3")

    id = mlops.log(inputs={"age": 41}, prediction="naevus", scores={"naevus": 0.9, "melanoma": 0.1})
    mlops.label(id, "melanoma")                     # when the truth is known, from whatever process

    with mlops.predicting(inputs={"age": 41}) as p:  # measures the time, keeps the error
        p.prediction = classify(...)

    run = mlops.run("nightly", params={"rate": 0.1})
    run.metric("accuracy", 0.93, step=1)
    run.end()

    answer = mlops.predict({"age": [41]})            # asks `mlops serve`, and waits
    mlops.predict({"image": open("skin.jpg", "rb").read()}, model="detector")["outputs"]["boxes"]
    mlops.similarity(query={"text": "a cat"}, candidates={"text": ["a dog", "the market"]})["ranking"]
    mlops.feedback(answer["prediction_id"], label="naevus", reward=1.0)

`predict` and `similarity` answer or raise `MlopsError` (status, code, path, hint). All other calls return at once: a
thread sends what they leave behind. They never raise, and never wait for the server: while it
is away, records wait in a bounded queue, and what does not fit is dropped and counted (`Client.counts`). Without an
address (`MLOPS_URL`) nothing is sent. A prediction has its id before it is sent, so that one which is sent twice counts
once. Works with Python 3.8 and later, with threads, and after a fork (gunicorn, uWSGI, Celery).

The server is `mlops server` (predictions, labels, runs) or `mlops serve --log-predictions` (predictions, labels).
"""

import atexit
import base64
import collections
import datetime
import functools
import hashlib
import http.client
import json
import logging
import os
import ssl
import threading
import time
import urllib.parse
import uuid

__all__ = ["Client", "MlopsError", "Prediction", "Run"]

logger = logging.getLogger("mlops")

_BATCH_RECORDS = 500
_BATCH_BYTES = 1 << 20
_RECORD_BYTES = 8 << 20  # of one record; larger ones are dropped
_MOST_NUMBERS = 65_536  # of a list or array that is sent; of larger ones the md5 and the shape
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds between tries


def _quiet(value_of_failure=None):
    """Makes a function that logs what it fails with instead of raising it."""

    def wrap(function):
        @functools.wraps(function)
        def quiet(*args, **kwargs):
            try:
                return function(*args, **kwargs)
            except Exception as why:  # the application goes on, whatever happens here
                logger.warning("mlops: %s: %s: %s", function.__name__, type(why).__name__, why)
                return value_of_failure() if callable(value_of_failure) else value_of_failure

        return quiet

    return wrap


class MlopsError(Exception):
    """What the server refused, or (status 0) why it could not be asked."""

    def __init__(self, message, status=0, code="unreachable", path=None, hint=None, request_id=None):
        super().__init__(message)
        self.status, self.code, self.path, self.hint, self.request_id = status, code, path, hint, request_id


class Client:
    """The line of an application to a server.

    url      of the server, with its path prefix if it has one; default: the variable MLOPS_URL. None: nothing is sent.
    model    name of the model for calls that name none, and its version.
    key      API key; default: the variable MLOPS_API_KEY.
    queue    records that may wait; more are dropped.
    timeout  seconds that a request may take. It holds up the sending thread only.
    """

    @_quiet()
    def __init__(self, url=None, model=None, version=None, key=None, queue=10_000, timeout=10.0):
        self.model = model
        self.version = version
        self._lanes = {}  # first: without any, nothing is sent
        self._target = None
        self._local = threading.local()  # a connection for each thread
        url = os.environ.get("MLOPS_URL") if url is None else url
        if not url:
            return
        target = _Target(url, os.environ.get("MLOPS_API_KEY") if key is None else key, timeout)
        self._target = target
        # Runs wait in a line of their own: a server that takes no runs still takes predictions.
        self._lanes = {name: _Lane(name, target, queue) for name in ("predictions", "runs")}
        _clients.add(self)

    @_quiet(value_of_failure=lambda: uuid.uuid4().hex)
    def log(
        self,
        prediction=None,
        inputs=None,
        scores=None,
        latency_ms=None,
        error=None,
        model=None,
        version=None,
        arm=None,
        id=None,
        at=None,
    ):
        """Logs a prediction and gives its id, by which it can be labelled.

        prediction  a label, a number, or a list of {"box": [x, y, width, height], "label": ..., "score": ...}
        inputs      values by name: what drift is judged by
        scores      probabilities by label
        at          seconds since the epoch or a datetime; default: now
        """
        id = uuid.uuid4().hex if id is None else str(id)
        record = {
            "id": id,
            "at": _milliseconds(at),
            "model": self.model if model is None else model,
            "version": self.version if version is None else version,
            "arm": arm,
            "inputs": inputs,
            "prediction": prediction,
            "scores": scores,
            "latency_ms": latency_ms,
            "error": None if error is None else str(error)[:1000],
        }
        self._put("predictions", ("predictions", None), {k: v for k, v in record.items() if v is not None})
        return id

    @_quiet()
    def label(self, id, label, at=None):
        """Says what was true for a prediction; the last label of an id counts."""
        self._put("predictions", ("labels", None), {"id": str(id), "label": label, "at": _milliseconds(at)})

    @_quiet()
    def feedback(self, id, label=None, reward=None, comment=None, at=None):
        """Says what became of a prediction: what was true (`label`), and what it was worth (`reward`, a number)."""
        record = {"id": str(id), "label": label, "reward": reward, "comment": comment, "at": _milliseconds(at)}
        self._put("predictions", ("labels", None), {k: v for k, v in record.items() if v is not None})

    def predict(self, inputs, outputs=None, model=None, version=None, headers=None):
        """Asks the model for an answer and waits for it; raises MlopsError.

        inputs   values by the names of inputs, columns, texts or pictures: lists, NumPy arrays, bytes of a picture
        outputs  names of the outputs to answer; default: all
        headers  more headers, such as the sticky key of a traffic rule
        """
        body = {"inputs": _sendable(inputs)}
        if outputs is not None:
            body["outputs"] = list(outputs)
        return self._call("/predict", body, model, version, headers)

    def similarity(self, inputs=None, query=None, candidates=None, model=None, version=None, headers=None):
        """Compares embeddings: `query` with each of `candidates`, or all rows of `inputs`; raises MlopsError."""
        given = {"inputs": inputs, "query": query, "candidates": candidates}
        body = {key: _sendable(value) for key, value in given.items() if value is not None}
        return self._call("/predict/similarity", body, model, version, headers)

    def _call(self, path, body, model, version, headers):
        if self._target is None:
            raise MlopsError("no address of a server: give one, or set MLOPS_URL")
        own = model is None
        named = {"model": self.model if own else model, "model_version": self.version if own and version is None else version}
        query = urllib.parse.urlencode({key: value for key, value in named.items() if value is not None})
        content = json.dumps(body).encode("utf-8")
        status, text = self._exchange(path + ("?" + query if query else ""), content, headers or {})
        try:
            answer = json.loads(text.decode("utf-8"))
        except ValueError:
            answer = {}
        if status < 300:
            return answer
        error = answer.get("error") if isinstance(answer, dict) else None
        error = error if isinstance(error, dict) else {"message": text[:300].decode("utf-8", "replace")}
        message = error.get("message") or str(status)
        facts = [error.get(key) for key in ("path", "hint")] + [answer.get("request_id") if isinstance(answer, dict) else None]
        raise MlopsError(message, status, error.get("code", "unknown"), *facts)

    def _exchange(self, path, content, headers):
        """Status and body of the answer. A connection that the server closed meanwhile is made anew, once."""
        target, local = self._target, self._local
        if getattr(local, "pid", None) != os.getpid():
            local.connection, local.pid = None, os.getpid()  # the one from before a fork is the parent's
        for fresh in (False, True):
            if local.connection is None:
                local.connection, fresh = target.connect(), True
            try:
                local.connection.request("POST", target.prefix + path, content, dict(target.headers, **headers))
                answer = local.connection.getresponse()
                return answer.status, answer.read()
            except (http.client.HTTPException, OSError) as why:
                local.connection.close()
                local.connection = None
                if fresh or isinstance(why, TimeoutError):
                    raise MlopsError("%s: %s: %s" % (target.host, type(why).__name__, why)) from why
        raise MlopsError("the server closes every connection")

    @_quiet(value_of_failure=lambda: Prediction(None, {}))
    def predicting(self, **fields):
        """A `with` block that logs a prediction at its end, with the time that it took and the error that left it."""
        return Prediction(self, fields)

    @_quiet(value_of_failure=lambda: Run(None))
    def run(self, experiment="Default", name=None, params=None, tags=None):
        """Begins a run of an experiment, which is made when absent."""
        run = Run(self)
        self._put("runs", ("begin", run), {"experiment": str(experiment), "name": name, "at": _milliseconds(None)})
        run.params(params or {})
        for key, value in (tags or {}).items():
            run.tag(key, value)
        return run

    @_quiet(value_of_failure=False)
    def flush(self, timeout=5.0):
        """Waits until everything is sent; False when that took too long."""
        until = time.monotonic() + timeout
        return all([lane.flush(max(0.0, until - time.monotonic())) for lane in self._lanes.values()])

    @_quiet(value_of_failure=dict)
    def counts(self):
        """Records by what became of them: sent, waiting, dropped (no room), rejected (by the server)."""
        total = {"sent": 0, "waiting": 0, "dropped": 0, "rejected": 0}
        for lane in self._lanes.values():
            for key, count in lane.counts().items():
                total[key] += count
        return total

    @_quiet()
    def close(self, timeout=2.0):
        """Sends what waits, for so many seconds at most, and ends. Done by itself when the program ends."""
        self.flush(timeout)
        for lane in self._lanes.values():
            lane.close()

    def _put(self, lane, kind, record):
        if lane in self._lanes:
            self._lanes[lane].put(kind, json.dumps(_plain(record), allow_nan=False, separators=(",", ":")))


class Prediction:
    """What a `with client.predicting()` block fills in: `prediction`, `scores`, `inputs`... Its `id` is known at once."""

    def __init__(self, client, fields):
        self._client = client
        self.id = fields.pop("id", None) or uuid.uuid4().hex
        for name in ("prediction", "inputs", "scores", "model", "version", "arm"):
            setattr(self, name, fields.get(name))

    def __enter__(self):
        self._started = time.perf_counter()
        return self

    def __exit__(self, kind, error, trace):
        if self._client is not None:
            self._client.log(
                id=self.id,
                latency_ms=round((time.perf_counter() - self._started) * 1000, 3),
                error=None if error is None else "%s: %s" % (kind.__name__, error),
                **{n: getattr(self, n) for n in ("prediction", "inputs", "scores", "model", "version", "arm")}
            )
        return False  # the application's errors stay its own


class Run:
    """A run of an experiment. `id` is known once the server has it."""

    def __init__(self, client):
        self._client = client
        self.id = None

    @_quiet()
    def param(self, key, value):
        self._put("params", {"key": str(key), "value": str(value)})

    @_quiet()
    def params(self, values):
        for key, value in values.items():
            self.param(key, value)

    @_quiet()
    def metric(self, key, value, step=0, at=None):
        value = float(value)
        # The protocol writes them as texts.
        value = value if value - value == 0 else "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
        self._put("metrics", {"key": str(key), "value": value, "step": int(step), "timestamp": _milliseconds(at)})

    @_quiet()
    def tag(self, key, value):
        self._put("tags", {"key": str(key), "value": str(value)})

    @_quiet()
    def end(self, status="FINISHED"):
        """Ends the run: FINISHED, FAILED or KILLED."""
        if self._client is not None:
            self._client._put("runs", ("end", self), {"status": status, "end_time": _milliseconds(None)})

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.end("FINISHED" if kind is None else "FAILED")
        return False

    def _put(self, kind, record):
        if self._client is not None:
            self._client._put("runs", (kind, self), record)


class _Target:
    """Where to, and with which headers."""

    def __init__(self, url, key, timeout):
        parts = urllib.parse.urlsplit(url if "//" in url else "http://" + url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("no address of a server: %r" % url)
        self.secure = parts.scheme == "https"
        self.host, self.port = parts.hostname, parts.port
        self.prefix = parts.path.rstrip("/")
        self.timeout = timeout
        self.headers = {"Content-Type": "application/json", "User-Agent": "mlops-client"}
        if key:
            self.headers["Authorization"] = "Bearer " + key

    def connect(self):
        if self.secure:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self.host, self.port, timeout=self.timeout, context=context)
        return http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)


class _Refused(Exception):
    """The server has looked at it and does not want it: to send it again is of no use."""


class _Lane:
    """A queue and the thread that empties it. Records leave in the order in which they came."""

    def __init__(self, name, target, size):
        self._name, self._target, self._size = name, target, size
        self._sent = self._dropped = self._rejected = 0
        self._reset()

    def _reset(self):
        self._changed = threading.Condition(threading.Lock())
        self._queue = collections.deque()
        self._bytes = self._under_way = 0
        self._thread = self._connection = None
        self._closed = self._warned = self._hurried = False

    def put(self, kind, text):
        size = len(text)
        with self._changed:
            full = len(self._queue) >= self._size or self._bytes + size > 64 << 20
            if self._closed or full or size > _RECORD_BYTES:
                self._dropped += 1
                return
            self._queue.append((kind, text))
            self._bytes += size
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="mlops-" + self._name, daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def counts(self):
        with self._changed:
            waiting = len(self._queue) + self._under_way
            return {"sent": self._sent, "waiting": waiting, "dropped": self._dropped, "rejected": self._rejected}

    def flush(self, timeout):
        with self._changed:
            self._hurried = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self._queue and self._under_way == 0, timeout)

    def close(self):
        with self._changed:
            self._closed = True
            self._dropped += len(self._queue)
            self._queue.clear()
            self._changed.notify_all()

    def _work(self):
        pause = _FIRST_PAUSE
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closed)
                if self._closed:
                    return
                kind, batch = self._take()
                self._under_way = len(batch)
            done = self._deliver(kind, batch)
            with self._changed:
                self._under_way = 0
                if done:
                    self._changed.notify_all()
                    pause = _FIRST_PAUSE
                    continue
                self._queue.extendleft((kind, text) for text in reversed(batch))
                self._bytes += sum(map(len, batch))
                self._changed.wait_for(lambda: self._closed or self._hurried, pause)
                self._hurried = False
                pause = min(_LONGEST_PAUSE, pause * 2)

    def _take(self):
        """The records at the head of the queue that can go in one request."""
        kind, batch, size = self._queue[0][0], [], 0
        alone = kind[0] in ("begin", "end")
        most = {"params": 100, "tags": 100}.get(kind[0], _BATCH_RECORDS)
        while self._queue and self._queue[0][0] == kind and len(batch) < (1 if alone else most):
            if batch and size + len(self._queue[0][1]) > _BATCH_BYTES:
                break
            batch.append(self._queue.popleft()[1])
            size += len(batch[-1])
        self._bytes -= size
        return kind, batch

    def _deliver(self, kind, batch):
        """False when the server could not be asked: it is tried again."""
        try:
            self._send(kind, batch)
            self._sent += len(batch)
        except _Refused as why:
            if len(batch) == 1:
                self._rejected += 1
                self._warn("a record was rejected: %s" % why)
                return True
            # One of them: each by itself. What was sent before a failure counts once, by its id.
            for at, text in enumerate(batch):
                if not self._deliver(kind, [text]):
                    del batch[:at]
                    return False
        except Exception as why:
            self._drop_connection()
            self._warn("the server is not there: %s: %s" % (type(why).__name__, why))
            return False
        return True

    def _send(self, kind, batch):
        what, run = kind
        joined = ",".join(batch)
        if what == "predictions":
            self._post("/predictions", '{"predictions":[%s]}' % joined)
        elif what == "labels":
            self._post("/predictions/labels", '{"labels":[%s]}' % joined)
        elif what == "begin":
            run.id = self._begin(json.loads(joined))
        elif run.id is None:
            raise _Refused("its run could not be begun")
        elif what == "end":
            self._post("/api/2.0/mlflow/runs/update", json.dumps(dict(json.loads(joined), run_id=run.id)))
        else:
            self._post("/api/2.0/mlflow/runs/log-batch", '{"run_id":%s,"%s":[%s]}' % (json.dumps(run.id), what, joined))

    def _begin(self, fields):
        name = fields["experiment"]
        found = "/api/2.0/mlflow/experiments/get-by-name?experiment_name=" + urllib.parse.quote(name, safe="")
        try:
            experiment = self._ask("GET", found)["experiment"]["experiment_id"]
        except _Refused:
            experiment = self._post("/api/2.0/mlflow/experiments/create", json.dumps({"name": name}))["experiment_id"]
        body = {"experiment_id": experiment, "start_time": fields["at"], "run_name": fields.get("name")}
        return self._post("/api/2.0/mlflow/runs/create", json.dumps(body))["run"]["info"]["run_id"]

    def _post(self, path, body):
        return self._ask("POST", path, body.encode("utf-8"))

    def _ask(self, method, path, body=None):
        target = self._target
        for fresh in (False, True):
            if self._connection is None:
                self._connection, fresh = target.connect(), True
            try:
                self._connection.request(method, target.prefix + path, body, target.headers)
                answer = self._connection.getresponse()
                content = answer.read()
                break
            except (http.client.HTTPException, OSError):
                # A connection that was kept may have been closed meanwhile: once more on a new one.
                self._drop_connection()
                if fresh:
                    raise
        if answer.status < 300:
            self._warned = False
            return json.loads(content.decode("utf-8")) if content else {}
        text = "%d %s" % (answer.status, content[:300].decode("utf-8", "replace"))
        # What a record is to blame for; all else may be mended by whoever keeps the server.
        if answer.status in (400, 413, 422) or (answer.status == 404 and b"RESOURCE_DOES_NOT_EXIST" in content):
            raise _Refused(text)
        raise OSError(text)

    def _drop_connection(self):
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _warn(self, message):
        if not self._warned:
            logger.warning("mlops: %s", message)
        self._warned = True


def _sendable(value):
    """As JSON takes it: pictures in base64, arrays as lists."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, dict):
        return {str(key): _sendable(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_sendable(one) for one in value]
    return _sendable(value.tolist()) if hasattr(value, "tolist") else value


def _milliseconds(at):
    if at is None:
        at = time.time()
    elif isinstance(at, datetime.datetime):
        at = at.timestamp()
    return int(at * 1000)


def _plain(value):
    """A value as JSON can hold it: NumPy's and Pandas' too, NaN as null, what is very large as its md5."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, float):
        return float(value) if value - value == 0 else None
    if isinstance(value, int):
        return int(value)
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"md5": hashlib.md5(bytes(value)).hexdigest(), "bytes": len(value)}
    if hasattr(value, "tolist") and hasattr(value, "shape"):
        size = 1
        for side in value.shape:
            size *= side
        if size > _MOST_NUMBERS:
            return {"md5": hashlib.md5(value.tobytes()).hexdigest(), "shape": list(value.shape)}
        return _plain(value.tolist())
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple, set, frozenset)):
        if len(value) > _MOST_NUMBERS:
            return {"md5": hashlib.md5(repr(value).encode("utf-8")).hexdigest(), "shape": [len(value)]}
        return [_plain(inner) for inner in value]
    return str(value)


_clients = set()


@atexit.register
def _close_all():
    for client in list(_clients):
        client.close()


def _after_fork():
    # The parent has the thread, and sends what waited. Its lock may be held for ever here.
    for client in list(_clients):
        for lane in client._lanes.values():
            lane._reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
