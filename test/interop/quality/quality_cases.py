"""Tables with faults, and what pandera and Great Expectations count in them: cases.json in the folder that is given."""

import json
import sys
import warnings
from pathlib import Path

import great_expectations as gx
import great_expectations.expectations as gxe
import numpy as np
import pandas as pd
import pandera.pandas as pa

warnings.filterwarnings("ignore")
folder = Path(sys.argv[1])
CITIES = ["Berlin", "Bonn", "Köln", "a, b", 'say "hi"']


def table(rng, rows):
    city = rng.choice([*CITIES, "Atlantis"], rows, p=[0.3, 0.3, 0.2, 0.1, 0.05, 0.05])
    data = pd.DataFrame(
        {
            "id": np.where(rng.random(rows) < 0.05, rng.integers(0, 20, rows), np.arange(rows)),
            "age": pd.array(rng.integers(-3, 125, rows), dtype="Int64"),
            "x": rng.normal(0, 1, rows).round(3),
            "city": city,
            "plate": [f"{'B' if r < 0.9 else 'b'}-{int(n)}" for r, n in zip(rng.random(rows), rng.integers(1, 3000, rows))],
            "low": rng.integers(0, 50, rows),
            "high": rng.integers(20, 100, rows),
        }
    )
    data.loc[rng.random(rows) < 0.1, "age"] = pd.NA
    data.loc[rng.random(rows) < 0.1, "x"] = np.nan
    data.loc[rng.random(rows) < 0.1, "city"] = None
    return data


SCHEMA = {
    "version": 1,
    "columns": {
        "id": {"type": "integer", "unique": True},
        "age": {"type": "integer", "nullable": False, "min": 0, "max": 120},
        "x": {"type": "number", "nullable": False, "min": -2, "max": 2},
        "city": {"type": "string", "nullable": False, "values": CITIES, "min_length": 5, "max_length": 6},
        "plate": {"type": "string", "regex": r"^[A-Z]-\d{2,4}$", "unique": True},
    },
    "rules": ["low <= high"],
    "keys": [["city", "low"]],
}


KINDS = {
    "not_nullable": "nullable",
    "field_uniqueness": "unique",
    "greater_than_or_equal_to": "min",
    "less_than_or_equal_to": "max",
    "isin": "values",
    "str_length": "length",
    "str_matches": "regex",
}


def by_pandera(data):
    check = pa.Check
    schema = pa.DataFrameSchema(
        {
            "id": pa.Column(None, unique=True),
            "age": pa.Column(None, checks=[check.ge(0, name="min"), check.le(120, name="max")]),
            "x": pa.Column(None, checks=[check.ge(-2, name="min"), check.le(2, name="max")]),
            "city": pa.Column(None, checks=[check.isin(CITIES, name="values"), check.str_length(5, 6, name="length")]),
            "plate": pa.Column(None, unique=True, checks=[check.str_matches(r"^[A-Z]-\d{2,4}$", name="regex")]),
            "low": pa.Column(None),
        },
        checks=[check(lambda d: d["low"] <= d["high"], name="rule")],
    )
    try:
        schema.validate(data, lazy=True)
        return {}
    except pa.errors.SchemaErrors as errors:
        found = {}
        for check_name, column, index in zip(
            errors.failure_cases["check"], errors.failure_cases["column"], errors.failure_cases["index"]
        ):
            kind = KINDS.get(check_name.split("(")[0], check_name)
            name = "low high" if kind == "rule" else column
            found.setdefault(f"{kind} {name}", set()).add(int(index))
        return {key: sorted(rows) for key, rows in found.items()}


def by_great_expectations(context, data, name):
    asset = context.data_sources.add_pandas(name).add_dataframe_asset("a")
    definition = asset.add_batch_definition_whole_dataframe("b")
    e = gxe
    expectations = {
        "nullable age": e.ExpectColumnValuesToNotBeNull(column="age"),
        "unique id": e.ExpectColumnValuesToBeUnique(column="id"),
        "min x": e.ExpectColumnValuesToBeBetween(column="x", min_value=-2),
        "max x": e.ExpectColumnValuesToBeBetween(column="x", max_value=2),
        "values city": e.ExpectColumnValuesToBeInSet(column="city", value_set=CITIES),
        "length city": e.ExpectColumnValueLengthsToBeBetween(column="city", min_value=5, max_value=6),
        "regex plate": e.ExpectColumnValuesToMatchRegex(column="plate", regex=r"^[A-Z]-\d{2,4}$"),
        "rule low high": e.ExpectColumnPairValuesAToBeGreaterThanB(column_A="high", column_B="low", or_equal=True),
        "unique city low": e.ExpectCompoundColumnsToBeUnique(column_list=["city", "low"]),
    }
    batch = definition.get_batch(batch_parameters={"dataframe": data})
    results = batch.validate(gx.ExpectationSuite(name=name, expectations=list(expectations.values())))
    # Results come in an order of their own.
    found = {}
    for result in results.results:
        config = result.expectation_config
        key = None
        for name_, expectation in expectations.items():
            same = expectation.expectation_type == config.type
            wanted = {k: v for k, v in config.kwargs.items() if k not in ("batch_id",)}
            if same and all(getattr(expectation, k, v) == v for k, v in wanted.items()):
                key = name_
        found[key] = {
            "count": result.result["unexpected_count"],
            "elements": result.result["element_count"],
            "success": result.success,
        }
    return found


def main():
    rng = np.random.default_rng(15)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    cases = []
    for number, rows in enumerate([1, 40, 700, 5000]):
        data = table(rng, rows)
        name = f"t{number}"
        data.to_csv(folder / f"{name}.csv", index=False)
        data.to_json(folder / f"{name}.jsonl", orient="records", lines=True, force_ascii=False)
        cases.append(
            {
                "name": name,
                "rows": rows,
                "pandera": by_pandera(data),
                "great_expectations": by_great_expectations(context, data, name),
            }
        )
    (folder / "cases.json").write_text(json.dumps({"schema": SCHEMA, "cases": cases}))


main()
