"""Stage 2: lower case; profiles to learn from and, of no text among them, profiles to search with."""

import pandas as pd

from lib.files import write_csv
from lib.params import read_params

params = read_params("preprocess")
rows = pd.read_csv("data/raw/profiles.csv", dtype=str)
rows["text"] = rows["text"].str.lower().str.strip()
rows = rows.drop_duplicates("text").sample(frac=1, random_state=params["seed"])
count = round(len(rows) * params["test_fraction"])
write_csv("data/prepared/test.csv", rows[:count])
write_csv("data/prepared/train.csv", rows[count:])
print(f"{len(rows)} profiles: {len(rows) - count} to learn from, {count} to search with")
