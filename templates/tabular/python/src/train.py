"""Stage 2: fit the model.

build/trained    the fitted scikit-learn pipeline and what its columns are
plots/loss.csv   the loss by epoch; of a regression without a hidden layer, which has no epochs, its loss at the end
"""

from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from lib.files import read_json, write_csv
from lib.params import read_params
from table import read_part

params = read_params("train")
columns = read_json("data/prepared/columns.json")
x, y = read_part("train", columns)
classes = columns["target"].get("classes")
y = y.to_numpy(dtype=str) if classes else y.astype(float).to_numpy()

steps = []
for place, column in enumerate(columns["inputs"]):
    if column["kind"] == "number":
        steps.append((f"scale_{place}", StandardScaler(), [place]))
    else:
        positions = [np.arange(len(column["values"]), dtype=np.float32)]
        encoder = OneHotEncoder(categories=positions, handle_unknown="ignore", sparse_output=False)
        steps.append((f"texts_{place}", encoder, [place]))
network = {
    "hidden_layer_sizes": (params["hidden"],),
    "max_iter": params["epochs"],
    "batch_size": min(params["batch_size"], len(x)),
    "learning_rate_init": params["lr"],
    "alpha": params["decay"],
    "random_state": params["seed"],
}
if params["hidden"] > 0:
    head = MLPClassifier(**network) if classes else MLPRegressor(**network)
else:
    strength = max(params["decay"], 1e-9)
    head = LogisticRegression(C=1 / strength, max_iter=1000) if classes else Ridge(alpha=strength)
model = make_pipeline(ColumnTransformer(steps), head).fit(x, y)

if params["hidden"] > 0:
    losses = head.loss_curve_
elif classes:
    losses = [log_loss(y, model.predict_proba(x), labels=model.classes_)]
else:
    losses = [mean_squared_error(y, model.predict(x)) / 2]
write_csv("plots/loss.csv", pd.DataFrame({"epoch": range(1, len(losses) + 1), "loss": np.round(losses, 6)}))
Path("build").mkdir(exist_ok=True)
joblib.dump({"columns": columns, "model": model}, "build/trained")
print(f"{len(x)} rows, {x.shape[1]} columns: {head}")
