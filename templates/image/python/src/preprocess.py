"""Stage 2: pictures to learn from and pictures to measure with."""

import pandas as pd

from lib.files import write_csv
from lib.params import read_params

params = read_params("preprocess")
rows = pd.read_csv("data/raw/marks.csv").sample(frac=1, random_state=params["seed"])
count = round(len(rows) * params["test_fraction"])
write_csv("data/prepared/test.csv", rows[:count])
write_csv("data/prepared/train.csv", rows[count:])
print(f"{len(rows) - count} pictures to learn from, {count} to measure with")
