"""Studies made with real Optuna, and what its TPE computes on them: one JSON object a line, for `mlops tune drive`.

Arguments: how many studies, and a seed. Optuna sorts kernel centres with an unstable sort; here it is made stable.
"""

import json
import math
import random
import sys
import warnings

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers._tpe import parzen_estimator
from optuna.samplers._tpe.sampler import _split_trials, default_gamma, default_gamma_multiobjective
from optuna.trial import TrialState, create_trial

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)


class StableNumpy:
    """numpy with a stable argsort, for the module that sorts kernel centres."""

    def __getattr__(self, name):
        return (lambda a: np.argsort(a, kind="stable")) if name == "argsort" else getattr(np, name)


parzen_estimator.np = StableNumpy()


def distribution(rng):
    kind = rng.randrange(6)
    if kind == 0:
        low = rng.uniform(-5, 5)
        return FloatDistribution(low, low + rng.uniform(0.1, 20))
    if kind == 1:
        return FloatDistribution(10 ** rng.uniform(-6, -2), 10 ** rng.uniform(-1, 3), log=True)
    if kind == 2:
        step = rng.choice([0.1, 0.25, 0.5, 2.0])
        low = rng.randrange(-3, 3) * step
        return FloatDistribution(low, low + rng.randrange(1, 12) * step, step=step)
    if kind == 3:
        low = rng.randrange(-10, 10)
        step = rng.choice([1, 1, 2, 3])
        return IntDistribution(low, low + step * rng.randrange(1, 12), step=step)
    if kind == 4:
        low = rng.randrange(1, 4)
        return IntDistribution(low, low + rng.randrange(1, 200), log=True)
    return CategoricalDistribution(rng.choice([["a", "b"], [1, 2.5, None], [True, False, "x", 7]]))


def value_in(dist, rng):
    if isinstance(dist, CategoricalDistribution):
        return rng.choice(dist.choices)
    if dist.log:
        value = math.exp(rng.uniform(math.log(dist.low), math.log(dist.high)))
    else:
        value = rng.uniform(dist.low, dist.high)
    if dist.step is not None:
        value = min(max(dist.low + round((value - dist.low) / dist.step) * dist.step, dist.low), dist.high)
    if rng.random() < 0.05:
        value = dist.low
    return int(value) if isinstance(dist, IntDistribution) else float(min(max(value, dist.low), dist.high))


def as_space(dist):
    if isinstance(dist, CategoricalDistribution):
        return {"type": "categorical", "choices": list(dist.choices)}
    space = {"type": "int" if isinstance(dist, IntDistribution) else "float", "low": dist.low, "high": dist.high}
    if dist.log:
        space["log"] = True
    elif dist.step is not None:
        space["step"] = dist.step
    return space


def kernels(estimator, names):
    mixture = estimator._mixture_distribution
    parameters = {}
    for name, dist in zip(names, mixture.distributions):
        if hasattr(dist, "weights"):
            parameters[name] = {"weights": dist.weights.tolist()}
        else:
            parameters[name] = {"mu": dist.mu.tolist(), "sigma": dist.sigma.tolist()}
    return {"weights": mixture.weights.tolist(), "parameters": parameters}


def one(rng):
    objectives = rng.choice([1, 1, 1, 2, 3])
    directions = [rng.choice(["minimize", "maximize"]) for _ in range(objectives)]
    dists = {f"p{i}": distribution(rng) for i in range(rng.randrange(1, 5))}
    sampler = optuna.samplers.TPESampler(seed=0)
    study = optuna.create_study(directions=directions, sampler=sampler)
    constrained = rng.random() < 0.25
    coarse = rng.random() < 0.3
    trials = []
    for number in range(rng.choice([0, 1, 2, 5, 11, 26, 27, 60, 130, 300])):
        state = rng.choices(["COMPLETE", "PRUNED", "RUNNING", "FAIL"], [80, 12 if objectives == 1 else 0, 6, 4])[0]
        params = {name: value_in(dist, rng) for name, dist in dists.items()}
        if coarse and number % 3 == 0 and trials:
            params = dict(trials[-1]["params"])
        if rng.random() < 0.05 and len(params) > 1:
            params.pop("p0", None)
        values = [round(rng.gauss(0, 1), 1) if coarse else rng.gauss(0, 1) for _ in directions]
        if rng.random() < 0.02 and objectives == 1:
            values = [math.inf]
        intermediate = {s: rng.choice([rng.gauss(0, 1), math.nan]) for s in range(rng.randrange(0, 4))} if state == "PRUNED" else {}
        constraints = [rng.gauss(-0.5, 1), rng.gauss(-0.5, 1)] if constrained and state in ("COMPLETE", "PRUNED") else []
        kwargs = {"value" if objectives == 1 else "values": values[0] if objectives == 1 else values} if state == "COMPLETE" else {}
        trial = create_trial(
            state=TrialState[state],
            params=params,
            distributions={name: dists[name] for name in params},
            intermediate_values=intermediate,
            system_attrs={"constraints": constraints} if constraints else {},
            **kwargs,
        )
        study.add_trial(trial)
        trials.append({
            "number": number, "state": "FAILED" if state == "FAIL" else state, "params": params,
            **({"values": [str(v) if math.isinf(v) else v for v in values]} if state == "COMPLETE" else {}),
            **({"intermediate": {str(s): ("NaN" if math.isnan(v) else v) for s, v in intermediate.items()}} if intermediate else {}),
            **({"constraints": constraints} if constraints else {}),
        })
    names = [name for name, dist in dists.items() if not dist.single()]
    if not names:
        return None
    search_space = {name: dists[name] for name in names}
    states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
    used = study.get_trials(deepcopy=False, states=states)
    n = sum(t.state != TrialState.RUNNING for t in used)
    gamma = default_gamma if objectives == 1 else default_gamma_multiobjective
    below, above = _split_trials(study, used, gamma(n))
    points = [{name: value_in(dists[name], rng) for name in names} for _ in range(5)]
    internal = {name: np.array([dists[name].to_internal_repr(p[name]) for p in points]) for name in names}
    low = sampler._build_parzen_estimator(study, search_space, below, handle_below=True)
    high = sampler._build_parzen_estimator(study, search_space, above, handle_below=False)
    return {
        "study": {"directions": directions, "space": {name: as_space(dist) for name, dist in dists.items()}, "sampler": {"name": "tpe", "seed": 1}},
        "add": trials,
        "score": points,
        "expected": {
            "below": [t.number for t in below],
            "above": [t.number for t in above],
            "kernels": {"below": kernels(low, names), "above": kernels(high, names)},
            "log_density": {"below": low.log_pdf(internal).tolist(), "above": high.log_pdf(internal).tolist()},
        },
    }


rng = random.Random(int(sys.argv[2]))
made = 0
while made < int(sys.argv[1]):
    vector = one(rng)
    if vector is not None:
        print(json.dumps(vector))
        made += 1
