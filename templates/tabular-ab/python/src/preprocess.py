"""Stage 2: fields to learn from and fields to measure with."""

import pandas as pd

from lib.files import write_csv
from lib.params import read_params

params = read_params("preprocess")
rows = pd.read_csv("data/raw/fields.csv").sample(frac=1, random_state=params["seed"])
count = round(len(rows) * params["test_fraction"])
write_csv("data/prepared/test.csv", rows[:count])
write_csv("data/prepared/train.csv", rows[count:])
# What the gates ask the models: the inputs and what each of them is to say.
for what, other in (("yield", "quality"), ("quality", "yield")):
    write_csv(f"data/prepared/test_{what}.csv", rows[:count].drop(columns=other))
print(f"{len(rows) - count} fields to learn from, {count} to measure with")
