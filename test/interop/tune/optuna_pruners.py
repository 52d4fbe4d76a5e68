"""What Optuna's pruners decide, report by report: one JSON object a line. Arguments: how many stories, and a seed."""

import json
import math
import random
import sys
import warnings

import optuna
from optuna.pruners import (
    HyperbandPruner,
    MedianPruner,
    PatientPruner,
    PercentilePruner,
    SuccessiveHalvingPruner,
    ThresholdPruner,
    WilcoxonPruner,
)

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)


def pruner(rng):
    kind = rng.randrange(7)
    startup, warmup, interval = rng.randrange(0, 6), rng.randrange(0, 4), rng.randrange(1, 4)
    steps = {"startup": startup, "warmup": warmup, "interval": interval}
    if kind == 0:
        least = rng.randrange(1, 4)
        made = MedianPruner(startup, warmup, interval, n_min_trials=least)
        return {"name": "median", **steps, "minTrials": least}, made
    if kind == 1:
        percentile = rng.choice([10.0, 25.0, 60.0])
        return {"name": "percentile", "percentile": percentile, **steps}, PercentilePruner(percentile, startup, warmup, interval)
    if kind == 2:
        least, factor, rate = rng.choice(["auto", 1, 2]), rng.choice([2, 3, 4]), rng.randrange(0, 2)
        bootstrap = rng.randrange(0, 2) if least != "auto" else 0
        made = SuccessiveHalvingPruner(least, factor, rate, bootstrap)
        return {"name": "asha", "min": least, "factor": factor, "rate": rate, "bootstrap": bootstrap}, made
    if kind == 3:
        most, factor = rng.choice(["auto", 9, 30]), rng.choice([2, 3])
        return {"name": "hyperband", "max": most, "factor": factor}, HyperbandPruner(1, most, factor)
    if kind == 4:
        lower, upper = rng.uniform(-3, 0), rng.uniform(0, 3)
        made = ThresholdPruner(lower, upper, warmup, interval)
        return {"name": "threshold", "lower": lower, "upper": upper, "warmup": warmup, "interval": interval}, made
    if kind == 5:
        patience, delta = rng.randrange(0, 4), rng.choice([0.0, 0.3])
        inner = rng.random() < 0.5
        made = PatientPruner(MedianPruner(2) if inner else None, patience, delta)
        own = {"name": "patient", "patience": patience, "minDelta": delta}
        return own | ({"pruner": {"name": "median", "startup": 2}} if inner else {}), made
    p = rng.choice([0.1, 0.3])
    return {"name": "wilcoxon", "p": p, "startup": startup}, WilcoxonPruner(p_threshold=p, n_startup_steps=startup)


def story(rng):
    spec, made = pruner(rng)
    direction = rng.choice(["minimize", "maximize"])
    study = optuna.create_study(direction=direction, pruner=made, study_name=f"story {rng.randrange(1000)}")
    coarse = rng.random() < 0.4
    trials = []
    for _ in range(rng.randrange(3, 25)):
        trial = study.ask()
        level = rng.gauss(0, 1)
        reports, pruned, value = [], False, 0.0
        for step in range(rng.choice([0, 3, 10, 30])):
            if rng.random() < 0.1:
                continue
            value = level + rng.gauss(0, 1) - 0.02 * step
            value = round(value, 1) if coarse else value
            if rng.random() < 0.01:
                value = math.nan
            trial.report(value, step)
            pruned = bool(trial.should_prune())
            reports.append([step, "NaN" if math.isnan(value) else value, pruned])
            if pruned:
                break
        state = "PRUNED" if pruned else rng.choices(["COMPLETE", "FAILED"], [9, 1])[0]
        final = 0.0 if math.isnan(value) else value
        if state == "COMPLETE":
            study.tell(trial, final)
        else:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED if pruned else optuna.trial.TrialState.FAIL)
        trials.append({"reports": reports, "tell": {"state": state} | ({"values": [final]} if state == "COMPLETE" else {})})
    return {"name": study.study_name, "direction": direction, "pruner": spec, "trials": trials}


rng = random.Random(int(sys.argv[2]))
for _ in range(int(sys.argv[1])):
    print(json.dumps(story(rng)))
