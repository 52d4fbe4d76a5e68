"""Stage 1: the table to rows to learn from and rows to measure with.

data/prepared/train.csv, test.csv   the inputs by name, `target` last
data/prepared/columns.json          what the columns are, by the training rows alone
"""

import pandas as pd

from lib.files import write_csv, write_json
from lib.params import read_params
from table import describe_columns, describe_target, missing, read_table

data, params = read_params("data"), read_params("prepare")
file, target = data["file"], str(data["target"])
table = read_table(file)
if target not in table.columns:
    raise SystemExit(f'params.yaml: "{target}" is no column of {file}. It has: {", ".join(table.columns)}')

rows = table[~missing(table[target])].sample(frac=1, random_state=params["seed"])
count = round(len(rows) * params["test_fraction"])
test, train = rows[:count], rows[count:]
if len(test) == 0 or len(train) == 0:
    raise SystemExit(f"{file}: {len(rows)} rows are too few")

inputs = describe_columns(train, target)
if not inputs:
    raise SystemExit(f'{file}: no column besides "{target}" can be an input')
names = [column["name"] for column in inputs]
# The same row twice would tell the test what was learned, and count twice.
lines = rows[names].assign(target=rows[target])
fresh = pd.concat([lines[count:], lines[:count]]).drop_duplicates()
train, test = fresh[fresh.index.isin(train.index)], fresh[fresh.index.isin(test.index)]
if len(test) == 0:
    raise SystemExit(f"{file}: all rows to test with are also among those to learn from")
write_csv("data/prepared/train.csv", train)
write_csv("data/prepared/test.csv", test)
write_json("data/prepared/columns.json", {"inputs": inputs, "target": describe_target(target, rows[target])})
left = [name for name in table.columns if name != target and name not in names]
print(f"{len(rows)} rows: {len(train)} to train, {len(test)} to test; inputs: {', '.join(names)}")
if left:
    print(f"left out, one value only or too many texts: {', '.join(left)}")
