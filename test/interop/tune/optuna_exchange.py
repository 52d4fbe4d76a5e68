"""`optuna_exchange.py make FOLDER` makes studies in both storages; `... open FOLDER` opens ours and goes on with them."""

import json
import sys
import warnings

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
verb, folder = sys.argv[1:]


def objective(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", -3, 3)
    n = trial.suggest_int("n", 1, 5)
    trial.suggest_categorical("c", ["a", True, None, 2.5])
    trial.report(x, 0)
    if trial.number == 2:
        raise optuna.TrialPruned()
    return x * x + n


def storages(prefix: str):
    return {
        "db": f"sqlite:///{folder}/{prefix}.db",
        "log": JournalStorage(JournalFileBackend(f"{folder}/{prefix}.log")),
    }


if verb == "make":
    for kind, storage in storages("made").items():
        sampler = optuna.samplers.TPESampler(seed=1, constraints_func=lambda t: (t.params["x"] - 2,))
        optuna.create_study(storage=storage, study_name=kind, sampler=sampler).optimize(objective, n_trials=12)
else:
    told = {}
    for kind, storage in storages("ours").items():
        study = optuna.load_study(storage=storage, study_name=kind)
        told[kind] = [[t.number, t.state.name, t.values, t.params] for t in study.trials]
        study.optimize(objective, n_trials=2)
        told[kind + "-after"] = len(study.trials)
    print(json.dumps(told))
