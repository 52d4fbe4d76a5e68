"""Records what Optuna finds, for src/tune/quality.test.ts: the best of 100 trials (of NSGA-II the hypervolume of 200),
for each of so many seeds. Run by hand after a new Optuna: optuna_quality.py SEEDS > src/tune/optuna-quality.json"""

import json
import math
import re
import sys
import warnings

warnings.filterwarnings("ignore")
import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)

ALPHA = [1.0, 1.2, 3.0, 3.2]
A = [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
P = [
    [1312, 1696, 5569, 124, 8283, 5886],
    [2329, 4135, 8307, 3736, 1004, 9991],
    [2348, 1451, 3522, 2883, 3047, 6650],
    [4047, 8828, 8732, 5743, 1091, 381],
]


def floats(trial, count, low, high):
    return [trial.suggest_float(f"x{i}", low, high) for i in range(count)]


def branin(t):
    x, y = t.suggest_float("x0", -5, 10), t.suggest_float("x1", 0, 15)
    return (y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6) ** 2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def hartmann6(t):
    x = floats(t, 6, 0, 1)
    return -sum(ALPHA[i] * math.exp(-sum(A[i][j] * (x[j] - P[i][j] / 1e4) ** 2 for j in range(6))) for i in range(4))


def rastrigin5(t):
    return sum(x * x - 10 * math.cos(2 * math.pi * x) + 10 for x in floats(t, 5, -5.12, 5.12))


def rosenbrock5(t):
    x = floats(t, 5, -2, 2)
    return sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(4))


def mixed(t):
    lr = t.suggest_float("lr", 1e-5, 1, log=True)
    layers = t.suggest_int("layers", 1, 9)
    drop = t.suggest_float("drop", 0, 0.9, step=0.1)
    kind = t.suggest_categorical("kind", ["a", "b", "c", "d"])
    at = {"a": -2, "b": -3, "c": -1, "d": -4}[kind]
    add = {"a": 0.3, "b": 0, "c": 0.8, "d": 0.5}[kind]
    return (math.log10(lr) - at) ** 2 + (layers - 6) ** 2 / 9 + 4 * (drop - 0.3) ** 2 + add


def conditional(t):
    if t.suggest_categorical("model", ["svm", "forest"]) == "svm":
        c, g = t.suggest_float("c", 1e-3, 1e3, log=True), t.suggest_float("g", 1e-4, 1, log=True)
        return 0.05 + (math.log10(c) - 1) ** 2 / 20 + (math.log10(g) + 2) ** 2 / 10
    depth, share = t.suggest_int("depth", 1, 30), t.suggest_float("share", 0.1, 1)
    return 0.08 + abs(depth - 12) / 100 + (share - 0.6) ** 2


def zdt(t):
    x = floats(t, 4, 0, 1)
    g = 1 + 3 * sum(x[1:])
    return x[0], g * (1 - math.sqrt(x[0] / g))


def best(objective, sampler, trials=100):
    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, n_trials=trials)
    return study.best_value


def front(sampler):
    study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler)
    study.optimize(zdt, n_trials=200)
    area, right = 0.0, 2.0
    for x, y in sorted((t.values for t in study.best_trials), reverse=True):
        area += max(0, right - x) * max(0, 8 - y)
        right = min(right, x)
    return -area


samplers = optuna.samplers
seeds = range(int(sys.argv[1]))
found = {"optuna": optuna.__version__, "tpe": {}, "cma-es": {}, "nsga2": {}}
for f in [branin, hartmann6, rastrigin5, rosenbrock5, mixed, conditional]:
    found["tpe"][f.__name__] = [best(f, samplers.TPESampler(seed=s)) for s in seeds]
for f in [hartmann6, rosenbrock5]:
    found["cma-es"][f.__name__] = [best(f, samplers.CmaEsSampler(seed=s)) for s in seeds]
found["nsga2"]["zdt"] = [front(samplers.NSGAIISampler(seed=s)) for s in seeds]
rounded = lambda value: [float(f"{v:.6g}") for v in value] if isinstance(value, list) else value
text = json.dumps({k: v if isinstance(v, str) else {f: rounded(r) for f, r in v.items()} for k, v in found.items()}, indent=2)
print(re.sub(r"\[[^\]]*\]", lambda m: " ".join(m[0].split()).replace("[ ", "[").replace(" ]", "]"), text))
