"""Stage 5: on an average field, which amounts of nitrogen, phosphorus and potassium earn most? Steps that get smaller,
from the best recipe so far (a (1+λ) evolution strategy)."""

import joblib
import numpy as np
import pandas as pd

from fields import read_fields
from lib.files import rounded, write_csv, write_json
from lib.params import read_params

params = read_params("recipe")
model = joblib.load("build/yield")
climate = read_fields("train")[0][:, :3].mean(axis=0)
limits = np.array([200, 100, 150])
random = np.random.default_rng(params["seed"])


def profits_of(recipes):
    tons = model.predict(np.hstack([np.tile(climate, (len(recipes), 1)), recipes]).astype("float32"))
    return params["price"] * tons - params["cost"] * recipes.sum(axis=1)


best = np.zeros(3)
start = profits_of(best[None])[0]
profits = []
for turn in range(params["rounds"]):
    step = 0.5 * (1 - turn / params["rounds"])
    children = np.clip(best + random.uniform(-1, 1, (8, 3)) * step * limits, 0, limits)
    tried = np.vstack([best, children])
    best = tried[profits_of(tried).argmax()]
    profits.append(profits_of(best[None])[0])
gain = profits[-1] - start
metrics = {
    "convergence": (profits[len(profits) // 2] - start) / gain if gain > 0 else 0.0,
    "cost": params["cost"] * best.sum(),
    "profit": profits[-1],
    "profit_of_nothing": start,
    **dict(zip(("nitrogen", "phosphorus", "potassium"), best)),
}
write_json("metrics/recipe.json", rounded(metrics))
write_csv("plots/recipe.csv", pd.DataFrame({"round": range(1, len(profits) + 1), "profit": np.round(profits, 6)}))
print(", ".join(f"{name} {value}" for name, value in rounded(metrics).items()))
