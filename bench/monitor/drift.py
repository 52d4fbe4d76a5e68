"""Compares two CSV files with Evidently, its own choice of tests; prints seconds (wall, processor) and megabytes."""

import resource
import sys
import time

import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset

started = time.perf_counter()
reference, current = pd.read_csv(sys.argv[1]), pd.read_csv(sys.argv[2])
report = Report([DataDriftPreset()]).run(current, reference)
report.dict()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{time.perf_counter() - started:.2f} {time.process_time():.2f} {peak:.0f}")
