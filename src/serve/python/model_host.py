"""Runs one MLflow model for `mlops serve`: reads frames from descriptor 3 and answers them there.

A frame is two little-endian uint32 (bytes of the header, bytes of the payload), a JSON header and the payload: the raw
values of the tensors that the header lists under "tensors" as {name, dtype, dims, size}, in that order. Texts have a
uint32 with their length before each.
"""

import base64
import json
import os
import signal
import struct
import sys
import time
import warnings


def die_with_parent():
    """A server that is killed leaves no model behind."""
    if not sys.platform.startswith("linux"):
        return
    try:
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    except (OSError, AttributeError):
        return
    if os.getppid() == 1:
        os._exit(0)


class Link:
    """The pipe to the server."""

    def __init__(self, descriptor):
        self.incoming = os.fdopen(descriptor, "rb", 1 << 16)
        self.outgoing = os.fdopen(os.dup(descriptor), "wb", 0)

    def read(self):
        head = self.incoming.read(8)
        if len(head) < 8:
            return None
        header_size, payload_size = struct.unpack("<II", head)
        header = json.loads(self.incoming.read(header_size))
        return header, memoryview(self.incoming.read(payload_size))

    def write(self, header, arrays=()):
        blobs = [to_bytes(array) for _, array in arrays]
        header["tensors"] = [
            {"name": name, "dtype": dtype_name(array), "dims": list(array.shape), "size": len(blob)}
            for (name, array), blob in zip(arrays, blobs)
        ]
        text = json.dumps(header).encode()
        frame = b"".join([struct.pack("<II", len(text), sum(map(len, blobs))), text, *blobs])
        sent = 0
        while sent < len(frame):
            sent += self.outgoing.write(memoryview(frame)[sent:])


def dtype_name(array):
    return "string" if array.dtype == object else array.dtype.name


def to_bytes(array):
    if array.dtype != object:
        return np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False)).tobytes()
    parts = []
    for text in array.ravel():
        data = text.encode("utf-8", "surrogatepass")
        parts += [struct.pack("<I", len(data)), data]
    return b"".join(parts)


def to_arrays(specs, payload):
    arrays, at = {}, 0
    for spec in specs:
        data = payload[at : at + spec["size"]]
        at += spec["size"]
        if spec["dtype"] == "string":
            array = np.array(texts_of(data), dtype=object)
        else:
            array = np.frombuffer(data, dtype=np.dtype(spec["dtype"]).newbyteorder("<")).copy()
        arrays[spec["name"]] = array.reshape(spec["dims"])
    return arrays


def texts_of(data):
    texts, at = [], 0
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        texts.append(str(data[at + 4 : at + 4 + size], "utf-8"))
        at += 4 + size
    return texts


def plain(array):
    """The array as a tensor that the server knows, or None."""
    if array.ndim == 0:
        return None
    if array.dtype.kind in "biuf" and array.dtype.itemsize <= 8:
        return array
    if array.dtype.kind in "UTO" and all(isinstance(value, str) for value in array.ravel()):
        return array.astype(object)
    return None


def encode(result, name):
    """What a model returned as (shape, [(name, array)]); the shape says how MLflow writes it as JSON."""
    value = result
    if isinstance(value, pd.Series):
        value = pd.DataFrame(value)
    if isinstance(value, pd.DataFrame):
        names = [str(column) for column in value.columns]
        columns = [plain(value.iloc[:, at].to_numpy()) for at in range(len(names))]
        if names and len(set(names)) == len(names) and all(column is not None for column in columns):
            return "records", list(zip(names, columns))
        value = value.to_dict(orient="records")
    elif isinstance(value, np.ndarray) or is_plain_list(value):
        array = plain(np.asarray(value))
        if array is not None:
            return "array", [(name, array)]
    elif isinstance(value, dict) and value and all(isinstance(key, str) for key in value):
        columns = [
            plain(np.asarray(item)) if isinstance(item, np.ndarray) or is_plain_list(item) else None
            for item in value.values()
        ]
        if all(column is not None for column in columns):
            return "columns", list(zip(value.keys(), columns))
    if isinstance(value, (list, tuple, np.ndarray)) and len(value) > 0:
        texts = [json.dumps(clean(item), allow_nan=False) for item in value]
        return "rows", [(name, np.array(texts, dtype=object))]
    return "json", [(name, np.array([json.dumps(clean(value), allow_nan=False)], dtype=object))]


def is_plain_list(value):
    if not isinstance(value, (list, tuple)) or not value:
        return False
    kind = type(value[0])
    return kind in (str, int, float, bool) and all(type(item) is kind for item in value)


def clean(value):
    """A value as JSON can have it."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [clean(item) for item in value]
    if isinstance(value, np.ndarray):
        return clean(value.tolist())
    if isinstance(value, pd.DataFrame):
        return clean(value.to_dict(orient="records"))
    if isinstance(value, np.generic):
        return clean(value.item())
    if isinstance(value, (bytes, bytearray)):
        return base64.encodebytes(bytes(value)).decode()
    if value is pd.NaT or value is pd.NA:
        return None
    for method in ("isoformat", "model_dump", "to_dict"):
        if hasattr(value, method):
            return clean(getattr(value, method)())
    return str(value)


class BadInput(Exception):
    """The request does not fit the model's signature."""


class Host:
    def __init__(self, request):
        import mlflow
        import mlflow.pyfunc

        self.mode = request["mode"]
        self.inputs = request["inputs"]
        self.folder = request["folder"]
        self.model = mlflow.pyfunc.load_model(self.folder)
        self.version = mlflow.__version__
        self.schema = self.model.metadata.get_input_schema()
        outputs = self.model.metadata.get_output_schema()
        named = outputs.input_names() if outputs is not None and outputs.has_input_names() else []
        self.output = named[0] if len(named) == 1 else "predictions"

    def predict(self, feeds, params=None):
        data = self.data(feeds)
        if isinstance(data, tuple):
            data, params = data
        try:
            result = self.model.predict(data) if params is None else self.model.predict(data, params=params)
        except Exception as error:
            if type(error).__name__ == "MlflowException" and "schema" in str(error).lower():
                raise BadInput(str(error)) from error
            raise
        return encode(result, self.output)

    def data(self, feeds):
        if "__request__" in feeds:
            return self.parsed(json.loads(feeds["__request__"][0]))
        if self.mode == "tensors":
            return feeds if self.named() else next(iter(feeds.values()))
        if self.mode == "columns":
            return pd.DataFrame({spec["name"]: feeds[spec["name"]] for spec in self.inputs}, copy=False)
        arrays = list(feeds.values())
        if len(arrays) == 1 and arrays[0].ndim > 1:
            return arrays[0]
        columns = {name: list(array.reshape(len(array), -1)[:, 0]) for name, array in feeds.items()}
        return pd.DataFrame(columns)

    def named(self):
        return self.schema is not None and self.schema.has_input_names()

    def parsed(self, request):
        """The body of a scoring request, read as MLflow reads it."""
        from mlflow.utils import proto_json_utils as reading

        if "csv" in request:
            return self.table(request["csv"]), None
        form, body = request["form"], request["body"]
        params = body.get("params")
        try:
            if form.startswith("dataframe_"):
                orient = form.removeprefix("dataframe_")
                return reading.dataframe_from_parsed_json(body[form], orient, self.schema), params
            return reading.parse_tf_serving_input({form: body[form]}, schema=self.schema), params
        except Exception as error:
            raise BadInput(str(error)) from error

    def table(self, text):
        import io

        types = None if self.schema is None else dict(zip(self.schema.input_names(), self.schema.pandas_types()))
        try:
            return pd.read_csv(io.StringIO(text), dtype=types)
        except Exception as error:
            raise BadInput(str(error)) from error

    def describe(self):
        """Tries the model with rows of its example, else with made-up ones."""
        started, problem = time.monotonic(), None
        for feeds, rows in self.samples():
            try:
                shape, arrays = self.predict(feeds)
            except Exception as error:
                problem = f"{type(error).__name__}: {error}"[:300]
                continue
            outputs = [
                {"name": name, "dtype": dtype_name(array), "dims": [None, *array.shape[1:]]} for name, array in arrays
            ]
            return {"outputs": outputs, "shape": shape, "alone": self.alone(feeds, rows, arrays, started)}
        why = problem or "there is no input to try it with"
        return {"outputs": [], "shape": None, "alone": f"inputs to try it with do not run: {why}"}

    def alone(self, feeds, rows, together, started):
        """Why requests must not share a run; None when rows together give what each gives alone."""
        if self.mode == "json":
            return "it has no signature of columns or tensors"
        if rows < 2:
            return "its example has one row"
        singles = []
        for row in range(rows):
            _, arrays = self.predict({name: array[row : row + 1] for name, array in feeds.items()})
            singles.append(dict(arrays))
            if row > 0 and time.monotonic() - started > 2:
                break
        for name, array in together:
            if len(array) != rows:
                return "its answers to a batch do not have a row for each row"
            for row, single in enumerate(singles):
                if name not in single or not alike(single[name], array[row : row + 1]):
                    return "rows that run together give other values than each alone (`batching: on` in serving.yaml allows it)"
        return None

    def samples(self):
        example = self.example()
        if self.mode == "json":
            if example is not None:
                yield example, 1
            return
        if example is not None:
            feeds, rows = example
            yield varied(feeds, rows), max(rows, 6)
            yield feeds, rows
        yield {spec["name"]: made_up(spec, 6) for spec in self.inputs}, 6

    def example(self):
        """The example that was logged with the model as feeds and their number of rows."""
        try:
            value = load_example(self.folder, self.model.metadata)
            if self.mode == "columns":
                value = {spec["name"]: value[spec["name"]].to_numpy() for spec in self.inputs}
            elif self.mode == "tensors" and not isinstance(value, dict):
                value = {self.inputs[0]["name"]: np.asarray(value)}
            elif self.mode == "json":
                value = value.to_numpy() if isinstance(value, pd.DataFrame) else np.asarray(value)
                return {"input": value} if value.ndim > 1 and value.dtype != object else None
            feeds = {}
            for spec in self.inputs:
                array = np.asarray(value[spec["name"]])
                feeds[spec["name"]] = array.astype(object if spec["dtype"] == "string" else spec["dtype"])[:8]
            return feeds, min(len(array) for array in feeds.values())
        except Exception:
            return None


def load_example(folder, metadata):
    if hasattr(metadata, "load_input_example"):
        return metadata.load_input_example(folder)
    from mlflow.models.utils import _read_example

    return _read_example(metadata, folder)


def varied(feeds, rows):
    """The rows of an example, repeated until there are six, numbers a little different in each."""
    count = max(rows, 6)
    result = {}
    for name, array in feeds.items():
        repeated = np.resize(array, (count, *array.shape[1:]))
        if array.dtype.kind == "f":
            steps = np.arange(count, dtype=array.dtype).reshape(-1, *[1] * (array.ndim - 1))
            repeated = repeated * (1 + steps / 16) + steps / 8
        result[name] = repeated.astype(array.dtype)
    return result


def made_up(spec, rows):
    shape = [rows, *[size if isinstance(size, int) and size >= 0 else 8 for size in (spec["dims"] or [None])[1:]]]
    random = np.random.default_rng(7)
    if spec["dtype"] == "string":
        return np.array([f"text {number}" for number in range(int(np.prod(shape)))], dtype=object).reshape(shape)
    if spec["dtype"] == "bool":
        return random.integers(0, 2, shape).astype(bool)
    if "int" in spec["dtype"]:
        return random.integers(0, 4, shape).astype(spec["dtype"])
    return random.normal(size=shape).astype(spec["dtype"])


def alike(one, other):
    if one.shape != other.shape:
        return False
    if one.dtype.kind == "f":
        close = 1e-9 if one.dtype.itemsize == 8 else 1e-5
        return np.allclose(one, other, rtol=close, atol=close * 1e-3, equal_nan=True)
    return bool(np.array_equal(one, other))


def differences(folder):
    """Packages that are not here as the model's requirements.txt says."""
    from importlib.metadata import PackageNotFoundError, version

    found = []
    try:
        with open(os.path.join(folder, "requirements.txt"), encoding="utf-8") as file:
            lines = [line.split("#")[0].split(";")[0].strip() for line in file]
    except OSError:
        return found
    for line in lines:
        name, equals, wanted = line.partition("==")
        if not equals:
            continue
        try:
            here = version(name.split("[")[0].strip())
        except PackageNotFoundError:
            here = None
        if here != wanted.strip():
            found.append([name.strip(), wanted.strip(), here])
    return found


def kind_of(error):
    if isinstance(error, BadInput):
        return "input"
    return "memory" if isinstance(error, MemoryError) else "failed"


def main():
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.filterwarnings("ignore")
    link = Link(3)
    global np, pd
    host = None
    while True:
        frame = link.read()
        if frame is None:
            os._exit(0)
        request, payload = frame
        answer = {"id": request["id"]}
        try:
            if request["kind"] == "load":
                try:
                    import mlflow  # noqa: F401
                    import numpy as np
                    import pandas as pd
                except ImportError as error:
                    link.write({**answer, "error": {"kind": "missing", "message": str(error)}})
                    continue
                host = Host(request)
                answer.update(python=sys.version.split()[0], mlflow=host.version, differences=differences(host.folder))
                answer.update(host.describe() if request["describe"] else {})
                link.write(answer)
                continue
            feeds = to_arrays(request["tensors"], payload)
            params = feeds.pop("__params__", None)
            started = time.perf_counter()
            shape, arrays = host.predict(feeds, None if params is None else json.loads(params[0]))
            answer.update(shape=shape, milliseconds=(time.perf_counter() - started) * 1000)
            link.write(answer, arrays)
        except BaseException as error:
            if isinstance(error, (BrokenPipeError, ConnectionResetError)):
                os._exit(0)
            message = str(error) or type(error).__name__
            if kind_of(error) == "failed":
                message = f"{type(error).__name__}: {message}"
            link.write({**answer, "error": {"kind": kind_of(error), "message": message[:2000]}})


main()
