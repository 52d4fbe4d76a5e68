"""Stage 5: serve the model on a free port of this machine, ask it one row after the other, and stop it.

latency.json   milliseconds that half, 95 and 99 of 100 requests took at most, and requests a second
"""

import http.client
import json
import re
import subprocess
import time

from lib.files import read_json, rounded, write_json
from lib.params import read_params
from table import missing, read_table

requests = read_params("load")["requests"]
inputs = read_json("data/prepared/columns.json")["inputs"]
frame = read_table("data/prepared/test.csv")


def body(row):
    """Numbers as numbers, texts as texts; what is missing not at all, and texts of the test rows alone neither."""
    fields = {}
    for column in inputs:
        text = row[column["name"]]
        if column["kind"] == "number":
            fields[column["name"]] = float(text) if text != "" else None
        elif text in column["values"]:
            fields[column["name"]] = text
    return json.dumps({name: value for name, value in fields.items() if value is not None})


def ask(connection, content):
    start = time.perf_counter()
    connection.request("POST", "/predict", content, {"content-type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise SystemExit(f"the server refused {content}: {text.decode()}")
    return (time.perf_counter() - start) * 1000


blank = frame.mask(frame.apply(missing), "")
bodies = [body(row) for _, row in blank.iterrows()]
server = subprocess.Popen(["mlops", "serve", "models/tabular", "--port", "0"], stderr=subprocess.PIPE, text=True)
try:
    # The server says on stderr where it listens.
    found = next((hit for line in server.stderr if (hit := re.search(r"http://(\S+:\d+)", line))), None)
    if found is None:
        raise SystemExit("the server did not start")
    connection = http.client.HTTPConnection(found[1], timeout=30)
    for n in range(20):
        ask(connection, bodies[n % len(bodies)])
    start = time.perf_counter()
    times = sorted(ask(connection, bodies[n % len(bodies)]) for n in range(requests))
    seconds = time.perf_counter() - start
finally:
    server.terminate()
    server.wait()

at = {share: times[min(len(times) - 1, int(share * len(times)))] for share in (0.5, 0.95, 0.99)}
latency = {"p50_ms": at[0.5], "p95_ms": at[0.95], "p99_ms": at[0.99], "requests_per_second": requests / seconds}
write_json("latency.json", rounded(latency))
print(f"95 of 100 requests took at most {latency['p95_ms']:.1f} ms")
