"""Stage 4: search the training profiles with unseen ones, and tell their topics."""

import joblib
import numpy as np
import pandas as pd

from lib.files import rounded, write_csv, write_json

model = joblib.load("build/trained")
known, queries = (pd.read_csv(f"data/prepared/{part}.csv", dtype=str) for part in ("train", "test"))
scores = model[:-1].transform(queries["text"]) @ model[:-1].transform(known["text"]).T
same_topic = queries["topic"].to_numpy()[:, None] == known["topic"].to_numpy()
same_role = queries["role"].to_numpy()[:, None] == known["role"].to_numpy()
nearest = np.argsort(-scores, axis=1, kind="stable")[:, :5]
predicted = model.predict(queries["text"])
lengths = pd.concat([known, queries])["text"].str.split().str.len()

metrics = rounded(
    {
        "recall_at_5": np.take_along_axis(same_role, nearest, axis=1).mean(),
        "baseline_recall": same_role.mean(),
        "accuracy": (predicted == queries["topic"]).mean(),
        "mae": np.abs(scores - same_topic).mean(),
        "embedding_dim": int(model[1].n_components),
        "avg_profile_length": lengths.mean(),
    }
)
write_json("metrics.json", metrics)
write_csv("plots/confusion.csv", pd.DataFrame({"actual": queries["topic"], "predicted": predicted}))
print(", ".join(f"{name} {value}" for name, value in metrics.items()))
