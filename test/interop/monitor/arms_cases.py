"""Writes pairs of arms and what scipy and statsmodels say of them: arms_cases.py FILE."""

import json
import sys
import warnings

import numpy as np
from scipy import optimize, stats
from statsmodels.stats import power, proportion

rng = np.random.default_rng(7)


def pair(name, first, second):
    a, b = np.asarray(first, float), np.asarray(second, float)
    case = {"name": name, "first": a.tolist(), "second": b.tolist()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if len(a) > 1 and len(b) > 1 and (a.var() > 0 or b.var() > 0):
            t = stats.ttest_ind(b, a, equal_var=False)
            ci = t.confidence_interval()
            case["welch"] = [float(b.mean() - a.mean()), t.statistic, t.pvalue, ci.low, ci.high]
        u = stats.mannwhitneyu(b, a)
        case["mannwhitney"] = [u.statistic, u.pvalue]
        if set(a) | set(b) <= {0, 1} and 0 < a.sum() + b.sum() < len(a) + len(b):
            z, p = proportion.proportions_ztest([b.sum(), a.sum()], [len(b), len(a)])
            low, high = proportion.confint_proportions_2indep(
                b.sum(), len(b), a.sum(), len(a), compare="diff", method="newcomb"
            )
            case["proportions"] = [z, p, low, high]
    return {k: [float(x) for x in v] if isinstance(v, list) else v for k, v in case.items()}


pairs = [
    pair("normal", rng.normal(50, 8, 300), rng.normal(51, 9, 200)),
    pair("far", rng.normal(0, 1, 400), rng.normal(3, 1, 400)),
    pair("offset", rng.normal(1e4, 1, 50), rng.normal(1e4, 1, 60)),
    pair("outlier", [*rng.normal(0, 1, 30), 1e6], rng.normal(0, 1, 30)),
    pair("small", rng.normal(0, 1, 3), rng.normal(1, 1, 7)),
    pair("small and large", rng.normal(0, 1, 5), rng.normal(1, 1, 700)),
    pair("eight", rng.normal(0, 1, 8), rng.normal(2, 1, 9)),
    pair("nine", rng.normal(0, 1, 9), rng.normal(2, 1, 9)),
    pair("two", [1, 2], [3, 4.5]),
    pair("one", [1], [2]),
    pair("ties", rng.integers(0, 4, 50), rng.integers(0, 5, 40)),
    pair("constant", [2, 2, 2], [2, 2]),
    pair("one constant", [2, 2, 2, 2], [1, 2, 3]),
    pair("rates", rng.random(1000) < 0.1, rng.random(900) < 0.13),
    pair("rare", [1, *[0] * 499], [0] * 100),
    pair("none", [0] * 20, [0] * 30),
    pair("all", [1] * 20, [*[1] * 30, 0]),
    pair("zero inflated", rng.exponential(1, 300) * (rng.random(300) < 0.2), rng.exponential(1, 300) * (rng.random(300) < 0.3)),
    pair("many", rng.normal(0, 1, 20000), rng.normal(0.01, 1, 20000)),
]

ratios = [
    {"counts": c, "shares": s, "p": float(stats.chisquare(c, np.array(s) / sum(s) * sum(c)).pvalue)}
    for c, s in [([500, 500], [1, 1]), ([9012, 988], [9, 1]), ([5100, 4900], [1, 1]), ([10, 20, 30], [1, 2, 3.5]), ([6000, 4000], [0.5, 0.5])]
]



def needed(effect, alpha, wanted):
    """solve_power stops at 1e-8; its own power function knows the root better."""
    solver = power.NormalIndPower()
    rough = float(np.squeeze(solver.solve_power(abs(effect), alpha=alpha, power=wanted, ratio=1)))
    missed = lambda n: solver.power(abs(effect), n, alpha, ratio=1) - wanted
    exact = optimize.brentq(missed, rough / 2, rough * 2, xtol=1e-13, rtol=1e-14)
    assert abs(exact - rough) < 1e-5 * exact
    return exact


plans = []
for baseline, effect in [(0.1, 0.02), (0.5, 0.01), (0.05, -0.01), (0.001, 0.001), (0.9, 0.05), (0.1, 0.6)]:
    for alpha, wanted in [(0.05, 0.8), (0.01, 0.9), (0.1, 0.5)]:
        n = needed(proportion.proportion_effectsize(baseline + effect, baseline), alpha, wanted)
        plans.append({"baseline": baseline, "effect": effect, "alpha": alpha, "power": wanted, "n": n})
for effect, deviation in [(1, 8), (-0.5, 0.7)]:
    n = needed(effect / deviation, 0.05, 0.8)
    plans.append({"baseline": 50, "effect": effect, "deviation": deviation, "alpha": 0.05, "power": 0.8, "n": n})

json.dump({"pairs": pairs, "ratios": ratios, "plans": plans}, open(sys.argv[1], "w"))
