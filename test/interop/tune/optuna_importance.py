"""Studies made by Optuna with their importances: `optuna_importance.py COUNT SEED`, a JSON line each."""

import json
import random
import sys
import warnings

import optuna

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)


def study_of(index: int, seed: int) -> dict:
    rng = random.Random(seed * 1000 + index)
    several = index % 4 == 3
    directions = ["minimize", "maximize"] if several else [rng.choice(["minimize", "maximize"])]
    sampler = optuna.samplers.RandomSampler(seed=seed + index)
    study = optuna.create_study(sampler=sampler, directions=directions)

    def objective(trial: optuna.Trial):
        x = trial.suggest_float("x", -3, 2)
        lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
        n = trial.suggest_int("n", 1, 7)
        w = trial.suggest_int("w", 1, 300, log=True)
        s = trial.suggest_float("s", 0, 1, step=0.25)
        c = trial.suggest_categorical("c", ["a", "b", "d"])
        extra = trial.suggest_float("m", 0, 1) if c == "a" else 0.3
        y = x**2 + abs(lr - 1e-3) + n / 5 + w / 400 + s * (c == "b") + extra
        return (y, x * n) if several else y

    study.optimize(objective, n_trials=rng.choice([2, 9, 30, 80]))
    space = {
        "x": {"type": "float", "low": -3, "high": 2},
        "lr": {"type": "float", "low": 1e-5, "high": 1e-1, "log": True},
        "n": {"type": "int", "low": 1, "high": 7},
        "w": {"type": "int", "low": 1, "high": 300, "log": True},
        "s": {"type": "float", "low": 0, "high": 1, "step": 0.25},
        "c": {"type": "categorical", "choices": ["a", "b", "d"]},
        "m": {"type": "float", "low": 0, "high": 1, "when": {"c": "a"}},
    }
    return {
        "space": space,
        "directions": directions,
        "trials": [{"number": t.number, "params": t.params, "values": t.values} for t in study.trials],
        "importance": optuna.importance.get_param_importances(study),
    }


for i in range(int(sys.argv[1])):
    print(json.dumps(study_of(i, int(sys.argv[2]))))
