"""Writes prediction logs and what scikit-learn and COCO say of them: performance_cases.py FOLDER."""

import contextlib
import io
import json
import os
import sys
import warnings

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from sklearn import metrics as m


def classes(y, p, scores, labels):
    found = {"accuracy": m.accuracy_score(y, p)}
    for average in ("macro", "weighted"):
        found[f"precision_{average}"] = m.precision_score(y, p, average=average, zero_division=0)
        found[f"recall_{average}"] = m.recall_score(y, p, average=average, zero_division=0)
        found[f"f1_{average}"] = m.f1_score(y, p, average=average, zero_division=0)
    if scores is not None:
        binary = len(labels) == 2
        s = scores[:, 1] if binary else scores
        onehot = np.array([[a == b for b in labels] for a in y])
        present = onehot.any(0).all() and (not binary or len(set(y)) == 2)
        found["roc_auc"] = m.roc_auc_score(y, s, multi_class="ovr", labels=labels) if present else None
        pr = m.average_precision_score(onehot[:, 1] if binary else onehot, s) if present else None
        found["pr_auc"] = pr
        found["log_loss"] = m.log_loss(y, scores, labels=labels)
        if binary:
            found["brier"] = m.brier_score_loss(onehot[:, 1], s, pos_label=True)
        else:
            found["brier"] = np.mean(np.sum((scores - onehot) ** 2, axis=1))
        top = scores.max(1)
        bins = np.digitize(top, np.linspace(0, 1, 11), right=True)
        hit = np.array(labels)[scores.argmax(1)] == y
        found["calibration_error"] = sum(
            np.mean(bins == b) * abs(hit[bins == b].mean() - top[bins == b].mean()) for b in set(bins)
        )
    return found


def numbers(y, p):
    found = {
        "mae": m.mean_absolute_error(y, p),
        "rmse": m.root_mean_squared_error(y, p),
        "mape": m.mean_absolute_percentage_error(y, p),
        "r2": m.r2_score(y, p) if len(y) > 1 else None,
    }
    for alpha in (0.1, 0.5, 0.9):
        found[f"quantile_loss_{alpha}"] = m.mean_pinball_loss(y, p, alpha=alpha)
    return found


def boxes(truth, found):
    labels = sorted({b["label"] for row in truth + found for b in row})
    number = {label: i + 1 for i, label in enumerate(labels)}
    coco = COCO()
    coco.dataset = {
        "images": [{"id": i + 1} for i in range(len(truth))],
        "categories": [{"id": i, "name": label} for label, i in number.items()],
        "annotations": [],
    }
    for i, row in enumerate(truth):
        for b in row:
            w, h = b["box"][2:]
            coco.dataset["annotations"].append(
                {"id": len(coco.dataset["annotations"]) + 1, "image_id": i + 1, "category_id": number[b["label"]],
                 "bbox": b["box"], "area": w * h, "iscrowd": 0})
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        results = coco.loadRes([
            {"image_id": i + 1, "category_id": number[b["label"]], "bbox": b["box"], "score": b["score"]}
            for i, row in enumerate(found) for b in row])
        judge = COCOeval(coco, results, "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return {"map_50_95": judge.stats[0], "map_50": judge.stats[1]}


def main(folder):
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(5)
    cases = []

    def write(name, records, labels, found):
        number = len(cases)
        with open(os.path.join(folder, f"{number}.jsonl"), "w") as out:
            for i, record in enumerate(records):
                out.write(json.dumps({"id": f"p{i}", "model": "m", **record}) + "\n")
        with open(os.path.join(folder, f"{number}.labels.jsonl"), "w") as out:
            for i, label in enumerate(labels):
                out.write(json.dumps({"id": f"p{i}", "label": label}) + "\n")
        cases.append({"name": name, "number": number, "found": found})

    for k, n in [(2, 40), (2, 3000), (3, 50), (5, 2000), (12, 900)]:
        labels = [f"c{i:02}" for i in range(k)]
        scores = np.round(rng.dirichlet(np.ones(k), n), [2, 6][n % 3 > 0])
        scores /= scores.sum(1, keepdims=True)
        y = np.array(labels)[[rng.choice(k, p=(q := (s + 0.2) / (s + 0.2).sum())) for s in scores]]
        p = np.array(labels)[scores.argmax(1)]
        records = [{"prediction": str(a), "scores": dict(zip(labels, map(float, s)))} for a, s in zip(p, scores)]
        write(f"classes {k} {n}", records, [str(a) for a in y], classes(y, p, scores, labels))
        p = rng.choice(labels[1:] + ["other"], n)
        write(f"labels only {k} {n}", [{"prediction": str(a)} for a in p], [str(a) for a in y], classes(y, p, None, None))
    one = np.full(20, "a")
    s = np.column_stack([np.linspace(0.1, 0.9, 20), 1 - np.linspace(0.1, 0.9, 20)])
    write("one class", [{"prediction": "a", "scores": {"a": x, "b": y}} for x, y in s], ["a"] * 20,
          classes(one, one, s, ["a", "b"]))
    for n in (2, 50, 4000):
        y = rng.normal(1e3, 10, n)
        p = y + rng.normal(size=n)
        write(f"numbers {n}", [{"prediction": float(a)} for a in p], [float(a) for a in y], numbers(y, p))
    for pictures, kinds in [(1, 1), (20, 3), (60, 6)]:
        truth, found = [], []
        for _ in range(pictures):
            row = [{"box": [float(v) for v in rng.uniform(5, 60, 4)], "label": f"k{rng.integers(kinds)}"}
                   for _ in range(rng.integers(0 if pictures > 1 else 2, 8))]
            truth.append(row)
            guess = [{"box": [float(v) for v in np.array(b["box"]) + rng.normal(0, 4, 4)], "label": b["label"],
                      "score": float(np.round(rng.random(), 2))} for b in row if rng.random() < 0.8]
            guess += [{"box": [float(v) for v in rng.uniform(5, 60, 4)], "label": f"k{rng.integers(kinds)}",
                       "score": float(np.round(rng.random(), 2))} for _ in range(rng.integers(0, 3))]
            found.append(guess)
        write(f"boxes {pictures}", [{"prediction": row} for row in found], truth, boxes(truth, found))
    with open(os.path.join(folder, "cases.json"), "w") as out:
        json.dump(cases, out, default=float)


main(sys.argv[1])
