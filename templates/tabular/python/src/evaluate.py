"""Stage 3: measure the model on rows that it has never seen.

metrics.json          accuracy, F1, AUC and loss of classes; MAE, RMSE and R² of numbers; `skill` of both
plots/confusion.csv   what each row is and what it was taken for; numbers by quarters of the training rows
"""

import joblib
import numpy as np
import pandas as pd
from sklearn import metrics as score

from lib.files import rounded, write_csv, write_json
from table import read_part

trained = joblib.load("build/trained")
columns, model = trained["columns"], trained["model"]
_, known = read_part("train", columns)
x, actual = read_part("test", columns)


def judge_classes(classes):
    scores = model.predict_proba(x)
    predicted = np.array(model.classes_)[scores.argmax(axis=1)]
    shares = known.value_counts(normalize=True)
    prior = np.tile([shares.get(name, 0) for name in model.classes_], (len(x), 1))
    loss = score.log_loss(actual, scores, labels=model.classes_)
    baseline = score.log_loss(actual, prior, labels=model.classes_)
    values = {
        "accuracy": score.accuracy_score(actual, predicted),
        "baseline_accuracy": (actual == shares.idxmax()).mean(),
        "f1_macro": score.f1_score(actual, predicted, average="macro", labels=classes, zero_division=0),
        "loss": loss,
        "skill": 1 - loss / baseline,
        "n_test": len(x),
    }
    if len(classes) == 2 and actual.nunique() == 2:
        values["auc"] = score.roc_auc_score(actual == model.classes_[1], scores[:, 1])
    return values, pd.DataFrame({"actual": actual, "predicted": predicted})


def judge_numbers():
    true, usual = actual.astype(float), known.astype(float)
    predicted = model.predict(x).ravel()
    r2 = score.r2_score(true, predicted)
    values = {
        "mae": score.mean_absolute_error(true, predicted),
        "baseline_mae": (true - usual.mean()).abs().mean(),
        "rmse": score.root_mean_squared_error(true, predicted),
        "r2": r2,
        "skill": r2,
        "n_test": len(x),
    }
    limits = usual.quantile([0.25, 0.5, 0.75]).to_numpy()
    quarters = [[f"quarter {np.searchsorted(limits, value, 'right') + 1}" for value in side] for side in (true, predicted)]
    return values, pd.DataFrame({"actual": quarters[0], "predicted": quarters[1]})


target = columns["target"]
values, pairs = judge_classes(target["classes"]) if target["kind"] == "class" else judge_numbers()
write_json("metrics.json", rounded(values))
write_csv("plots/confusion.csv", pairs)
print(", ".join(f"{name} {value}" for name, value in rounded(values).items()))
