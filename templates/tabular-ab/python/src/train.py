"""Stages 3 and 4, `train.py yield` and `train.py quality`: learn, measure on unseen fields, write the model as ONNX."""

import sys
from pathlib import Path

import joblib
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn import metrics as score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fields import FEATURES, read_fields, serving_yaml
from lib.files import rounded, write_bytes, write_json, write_text
from lib.params import read_params

what = sys.argv[1]
params = read_params("train")
settings = {
    "hidden_layer_sizes": (params["hidden"],),
    "max_iter": params["epochs"] * 5,
    "batch_size": params["batch_size"],
    "learning_rate_init": params["lr"],
    "random_state": params["seed"],
}
(x, known), (unseen_x, unseen) = read_fields("train"), read_fields("test")
head = MLPRegressor(**settings) if what == "yield" else MLPClassifier(**settings)
model = make_pipeline(StandardScaler(), head).fit(x, known[what])
predicted, actual = model.predict(unseen_x), unseen[what]
if what == "yield":
    metrics = {
        "r2": score.r2_score(actual, predicted),
        "mae": score.mean_absolute_error(actual, predicted),
        "rmse": score.root_mean_squared_error(actual, predicted),
        "baseline_mae": (actual - known[what].mean()).abs().mean(),
    }
    outputs = ["  - { name: variable, as: tons, unit: t/ha }"]
else:
    metrics = {
        "accuracy": score.accuracy_score(actual, predicted),
        "f1": score.f1_score(actual, predicted, pos_label="good"),
        "auc": score.roc_auc_score(actual == "good", model.predict_proba(unseen_x)[:, 0]),
        "baseline_accuracy": actual.value_counts(normalize=True).max(),
    }
    outputs = ["  - { name: label }", "  - { name: probabilities }"]
write_json(f"metrics/{what}.json", rounded(metrics))
Path("build").mkdir(exist_ok=True)
joblib.dump(model, f"build/{what}")
onnx = to_onnx(
    model,
    initial_types=[("features", FloatTensorType([None, len(FEATURES)]))],
    options={"zipmap": False} if what == "quality" else None,
    target_opset=17,
    name=what,
)
write_bytes(f"models/crop-{what}/model.onnx", onnx.SerializeToString(deterministic=True))
write_text(f"models/crop-{what}/serving.yaml", serving_yaml(outputs))
print(", ".join(f"{name} {value}" for name, value in rounded(metrics).items()))
