"""What the columns of a table are, and how a row becomes numbers: itself, or the position of its text among `values`."""

import numpy as np
import pandas as pd

MOST_TEXTS = 50  # a column of more different texts is a name or a remark
MOST_CLASSES = 20


def read_table(file):
    """All fields as texts, missing ones as ''. The delimiter is what the first line has most of."""
    with open(file, encoding="utf-8-sig") as lines:
        first = lines.readline()
    delimiter = max(",;\t", key=first.count)
    frame = pd.read_csv(file, sep=delimiter, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    frame.columns = [name.strip() for name in frame.columns]
    return frame.apply(lambda column: column.str.strip())


def missing(column):
    return column.str.lower().isin(["", "nan", "na", "null", "none"])


def numbers(column):
    """The column as numbers, or None where a field is none."""
    values = pd.to_numeric(column[~missing(column)], errors="coerce")
    return None if values.isna().any() or np.isinf(values).any() else values


def describe_columns(frame, target):
    """The inputs of training rows: [{name, kind, ...}]. Columns that say nothing, or too much, are left out."""
    inputs = []
    for name in frame.columns.drop(target):
        column = frame[name]
        present = column[~missing(column)]
        if present.nunique() < 2:
            continue
        values = numbers(column)
        if values is not None:
            edges = {"min": values.min(), "max": values.max(), "fill": values.median()}
            inputs.append({"name": name, "kind": "number", **{key: float(value) for key, value in edges.items()}})
        elif present.nunique() <= MOST_TEXTS:
            texts = sorted(present.unique())
            inputs.append({"name": name, "kind": "text", "values": texts, "fill": texts.index(present.mode()[0])})
    return inputs


def describe_target(name, column):
    """Classes where there are few different values, else a number."""
    distinct = sorted(column.unique())
    values = numbers(column)
    if values is not None and (len(distinct) > MOST_CLASSES or (values % 1 != 0).any()):
        return {"name": name, "kind": "number"}
    if len(distinct) < 2:
        raise SystemExit(f'the column "{name}" holds one value only: there is nothing to learn')
    if len(distinct) > MOST_CLASSES:
        raise SystemExit(f'the column "{name}" holds {len(distinct)} different texts: at most {MOST_CLASSES} classes')
    return {"name": name, "kind": "class", "classes": distinct if values is None else sorted(distinct, key=float)}


def to_raw(columns, frame):
    """float32 [rows, columns], what is missing or unknown filled."""
    raw = []
    for column in columns:
        texts = frame[column["name"]]
        if column["kind"] == "number":
            raw.append(pd.to_numeric(texts.where(~missing(texts)), errors="coerce").fillna(column["fill"]))
        else:
            position = {text: place for place, text in enumerate(column["values"])}
            raw.append(texts.map(position).fillna(column["fill"]))
    return np.stack(raw, axis=1).astype(np.float32)


def read_part(part, columns):
    """(float32 [rows, columns], the target as texts) of the prepared rows."""
    frame = read_table(f"data/prepared/{part}.csv")
    return to_raw(columns["inputs"], frame), frame["target"]
