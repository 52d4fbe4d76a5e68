"""Records what NannyML's CBPE estimates of its own synthetic data: `python nannyml_cases.py > nannyml.json`, in an
environment with nannyml==0.13.1. It installs gigabytes, so the tests read the record. Scores of the data have two
digits: rows that are the same are counted."""

import json
import os
import warnings

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import nannyml
import pandas as pd

warnings.filterwarnings("ignore")
METRICS = ["accuracy", "precision", "recall", "f1", "roc_auc"]


def counted(data, columns):
    rows = data.groupby(columns, observed=True).size().reset_index()
    return [[*(value.item() if hasattr(value, "item") else value for value in row)] for row in rows.itertuples(index=False)]


def estimated(name, reference, analysis, truth, scores, problem):
    cbpe = nannyml.CBPE(
        y_pred_proba=scores,
        y_pred="y_pred",
        y_true=truth,
        metrics=METRICS,
        problem_type=problem,
        chunk_number=1,
    )
    cbpe.fit(reference)
    found = cbpe.estimate(analysis).filter(period="analysis").to_df()
    columns = list(scores.values()) if isinstance(scores, dict) else [scores]
    return {
        "name": name,
        "classes": list(scores) if isinstance(scores, dict) else None,
        # scores, prediction, truth, count
        "reference": counted(reference, [*columns, "y_pred", truth]),
        # scores, prediction, count
        "analysis": counted(analysis, [*columns, "y_pred"]),
        "found": {metric: float(found[(metric, "value")].iloc[0]) for metric in METRICS},
    }


cases = []
reference, analysis, _ = nannyml.load_synthetic_car_loan_dataset()
cases.append(estimated("car loan", reference, analysis, "repaid", "y_pred_proba", "classification_binary"))
reference, analysis, _ = nannyml.load_synthetic_multiclass_classification_dataset()
scores = {name[len("y_pred_proba_"):]: name for name in reference.columns if name.startswith("y_pred_proba_")}
# Where scores are nearly right, chance decides in NannyML whether they are calibrated: these say too much.
columns = list(scores.values())


def bold_cards(data):
    squares = data.head(2500)[columns] ** 2
    return data.head(2500).assign(**squares.div(squares.sum(axis=1), axis=0))


cases.append(estimated("bold cards", bold_cards(reference), bold_cards(analysis), "y_true", scores, "classification_multiclass"))
bold = lambda data: data.assign(y_pred_proba=(data["y_pred_proba"] ** 2).round(2))
reference, analysis, _ = nannyml.load_synthetic_car_loan_dataset()
cases.append(estimated("bold car loan", bold(reference), bold(analysis), "repaid", "y_pred_proba", "classification_binary"))
print(json.dumps({"nannyml": nannyml.__version__, "cases": cases}, separators=(",", ":")))
