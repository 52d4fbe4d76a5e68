"""Summarises a prediction log with pandas; prints seconds (wall, processor) and megabytes."""

import glob
import json
import resource
import sys
import time

import pandas as pd

started = time.perf_counter()
records = []
for file in sorted(glob.glob(sys.argv[1] + "/predictions-*.jsonl")):
    with open(file) as lines:
        next(lines)
        records += [json.loads(line) for line in lines]
data = pd.DataFrame([{**one["inputs"], **one} for one in records if one.get("kind") == "prediction"])
data = data.drop_duplicates("id")
for _, part in [("", data), *data.groupby("version")]:
    part["latency_ms"].quantile([0.5, 0.95, 0.99])
    part["prediction"].value_counts()
    part[["age", "a", "b"]].describe()
    part["sex"].value_counts()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{time.perf_counter() - started:.2f} {time.process_time():.2f} {peak:.0f}")
