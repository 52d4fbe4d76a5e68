"""Checks a CSV with what `schema.yaml` of the benchmark asks for; prints seconds (wall, processor) and megabytes."""

import resource
import sys
import time

import great_expectations as gx
import great_expectations.expectations as e
import pandas as pd

started = time.perf_counter()
data = pd.read_csv(sys.argv[1])
context = gx.get_context(mode="ephemeral")
definition = context.data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
between = e.ExpectColumnValuesToBeBetween
day = "%Y-%m-%d"
expectations = [
    *[e.ExpectColumnToExist(column=name) for name in data.columns],
    e.ExpectColumnValuesToNotBeNull(column="id"),
    e.ExpectColumnValuesToNotBeNull(column="age"),
    e.ExpectColumnValuesToBeUnique(column="id"),
    between(column="id", min_value=0),
    between(column="age", min_value=0, max_value=120),
    between(column="income", min_value=0, max_value=100000),
    between(column="score", min_value=0, max_value=1),
    e.ExpectColumnValuesToBeInSet(column="city", value_set=["Berlin", "Hamburg", "Bonn", "Paris", "Lyon", "Rome"]),
    e.ExpectColumnValuesToMatchRegex(column="plate", regex=r"^[A-Z]-\d{4}$"),
    e.ExpectColumnValueLengthsToBeBetween(column="plate", min_value=3, max_value=10),
    e.ExpectColumnValuesToMatchRegex(column="email", regex=r"^[^@]+@[^@]+\.org$"),
    e.ExpectColumnPairValuesAToBeGreaterThanB(column_A="end", column_B="start", or_equal=True),
    e.ExpectTableRowCountToBeBetween(min_value=100),
]
if "--dates" in sys.argv:
    expectations += [e.ExpectColumnValuesToMatchStrftimeFormat(column=name, strftime_format=day) for name in ("start", "end")]
batch = definition.get_batch(batch_parameters={"dataframe": data})
result = batch.validate(gx.ExpectationSuite(name="s", expectations=expectations))
assert result.success, result
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{time.perf_counter() - started:.2f} {time.process_time():.2f} {peak:.0f}")
