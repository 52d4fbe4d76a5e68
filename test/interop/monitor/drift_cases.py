"""Writes pairs of tables and what SciPy says of them: drift_cases.py FOLDER."""

import collections
import json
import os
import sys
import warnings

import numpy as np
import pandas as pd
from scipy import stats
from scipy.spatial.distance import cdist, cosine, euclidean, jensenshannon, pdist

FLOOR = 1e-4


def numbers(reference, current):
    a, b = [np.asarray(x, float) for x in (reference, current)]
    a, b = a[~np.isnan(a)], b[~np.isnan(b)]
    found = {}
    test = stats.ks_2samp(a, b)
    found["ks"] = [test.statistic, test.pvalue]
    edges = np.histogram_bin_edges(np.concatenate([a, b]), bins=10)
    p, q = [np.histogram(x, bins=edges)[0] / len(x) for x in (a, b)]
    found["js"] = [jensenshannon(p, q, base=2), None]
    found["wasserstein"] = [stats.wasserstein_distance(a, b), None]
    found["wasserstein_norm"] = [stats.wasserstein_distance(a, b) / max(np.std(a), 0.001), None]
    found["psi"] = [psi(a, b, np.quantile(a, np.linspace(0, 1, 11))[1:-1]), None]
    found["psi_uniform"] = [psi(a, b, np.linspace(a.min(), a.max(), 11)[1:-1]), None]
    return found


def psi(a, b, inner):
    if a.min() == a.max():
        v = a[0]
        p, q = [np.array([np.mean(x < v), np.mean(x == v), np.mean(x > v)]) for x in (a, b)]
    else:
        edges = np.unique(inner)
        p, q = [
            np.bincount(np.searchsorted(edges, x, side="right"), minlength=len(edges) + 1) / len(x) for x in (a, b)
        ]
    return floored_psi(p, q)


def floored_psi(p, q):
    p, q = np.maximum(p, FLOOR), np.maximum(q, FLOOR)
    return np.sum((q - p) * np.log(q / p))


def counts(reference, current):
    a, b = [pd.Series(x, dtype=object).where(pd.Series(x).notna(), "<missing>") for x in (reference, current)]
    a, b = collections.Counter(a), collections.Counter(b)
    keys = sorted(set(a) | set(b), key=lambda x: (isinstance(x, str), x))
    m, n = [np.array([x[key] for key in keys], float) for x in (a, b)]
    p, q = m / m.sum(), n / n.sum()
    found = {}
    test = stats.chi2_contingency(np.array([m, n]), correction=False)
    found["chi2"] = [test.statistic, test.pvalue]
    with np.errstate(divide="ignore"):
        fit = stats.chisquare(n, m * n.sum() / m.sum())
    found["chi2_gof"] = [x if np.isfinite(x) else None for x in (fit.statistic, fit.pvalue)]
    found["tv"] = [0.5 * np.abs(p - q).sum(), None]
    found["linf"] = [np.abs(p - q).max(), None]
    found["hellinger"] = [np.sqrt(np.sum((np.sqrt(p) - np.sqrt(q)) ** 2)) / np.sqrt(2), None]
    found["kl"] = [stats.entropy(np.maximum(q, FLOOR), np.maximum(p, FLOOR)), None]
    if len(keys) == 2 and "<missing>" not in keys:
        x, y = m[1] / m.sum(), n[1] / n.sum()
        pooled = (m[1] + n[1]) / (m.sum() + n.sum())
        z = (x - y) / np.sqrt(pooled * (1 - pooled) * (1 / m.sum() + 1 / n.sum()))
        found["z"] = [z, 2 * stats.norm.sf(abs(z))]
    return found, p, q


def together(x, y):
    pooled = np.vstack([x, y])
    s = np.median(pdist(pooled, "sqeuclidean")) / 2
    k = [np.exp(-cdist(u, v, "sqeuclidean") / (2 * s)) for u, v in ((x, x), (y, y), (x, y))]
    n, m = len(x), len(y)
    mmd = (k[0].sum() - n) / (n * (n - 1)) + (k[1].sum() - m) / (m * (m - 1)) - 2 * k[2].mean()
    return {"mmd": mmd, "centroid": cosine(x.mean(0), y.mean(0)), "euclidean": euclidean(x.mean(0), y.mean(0))}


def number_pairs(rng):
    """Name, reference, current."""
    for n, m in [(1, 1), (1, 50), (2, 3), (7, 5), (30, 30), (50, 61), (140, 100), (500, 500), (1000, 77), (3000, 2999),
                 (9999, 10000), (10000, 10000), (10001, 10000), (20000, 30000), (100000, 20000), (300, 12000)]:
        for shift in (0, 0.02, 0.3, 2):
            yield f"normal {n} {m} {shift}", rng.normal(size=n), rng.normal(shift, 1 + shift / 4, m)
    for n, m in [(40, 40), (400, 300), (15000, 12000)]:
        yield f"ties {n}", rng.integers(0, 6, n), rng.integers(0, 7, m)
        yield f"wide integers {n}", rng.poisson(40, n), rng.poisson(42, m)
        yield f"constant both {n}", np.full(n, 3.5), np.full(m, 3.5)
        yield f"constant reference {n}", np.full(n, 3.5), rng.normal(3.5, 1, m)
        yield f"constant reference ties {n}", np.full(n, 3), rng.integers(2, 5, m)
        yield f"constant current {n}", rng.normal(size=n), np.full(m, 0.25)
        yield f"disjoint {n}", rng.uniform(0, 1, n), rng.uniform(5, 6, m)
        yield f"missing {n}", holes(rng, rng.normal(size=n), 0.2), holes(rng, rng.normal(0.1, 1, m), 0.5)
        yield f"outliers {n}", outliers(rng, n), outliers(rng, m)
        yield f"offset {n}", 1e9 + rng.normal(size=n), 1e9 + rng.normal(0.2, 1, m)
        yield f"zeros {n}", rng.exponential(size=n) * (rng.random(n) < 0.3), rng.exponential(size=m) * (rng.random(m) < 0.4)
        yield f"bits {n}", rng.integers(0, 2, n), (rng.random(m) < 0.6).astype(int)
        yield f"tenths {n}", np.round(rng.random(n), 1), np.round(rng.random(m), 1)
        yield f"heavy {n}", rng.standard_cauchy(n), rng.standard_cauchy(m) + 0.1
        yield f"small values {n}", rng.normal(size=n) * 1e-12, rng.normal(size=m) * 1.5e-12


def category_pairs(rng):
    words = ["a", "b", "B", " b", "b ", "ü", "日本", "x,y", 'quo"te', "NA?", "0"]
    for n, m in [(5, 5), (40, 50), (1000, 900), (30000, 20000)]:
        weights = rng.dirichlet(np.ones(len(words)))
        others = rng.dirichlet(np.ones(len(words)) * 5)
        yield f"words {n}", rng.choice(words, n, p=weights), rng.choice(words, m, p=weights)
        yield f"other words {n}", rng.choice(words, n, p=weights), rng.choice(words, m, p=others)
        yield f"new {n}", rng.choice(words[:3], n), rng.choice(words[:5], m)
        yield f"gone {n}", rng.choice(words[:5], n), rng.choice(words[:3], m)
        yield f"two {n}", rng.choice(["no", "yes"], n, p=[0.6, 0.4]), rng.choice(["no", "yes"], m, p=[0.5, 0.5])
        yield f"one {n}", np.full(n, "a", object), np.full(m, "a", object)
        yield f"disjoint words {n}", np.full(n, "a", object), np.full(m, "b", object)
        yield f"null {n}", holes(rng, rng.choice(words, n).astype(object), 0.1), holes(rng, rng.choice(words, m).astype(object), 0.3)
        yield f"many {n}", np.array([f"id{i}" for i in rng.integers(0, 3000, n)]), np.array([f"id{i}" for i in rng.integers(0, 3000, m)])


def holes(rng, values, share):
    values = values.copy()
    values[rng.random(len(values)) < share] = np.nan
    return values


def outliers(rng, n):
    values = rng.normal(size=n)
    values[:: max(1, n // 10)] *= 1e6
    return values


def main(folder):
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(20261130)
    cases = []

    def write(name, reference, current):
        number = len(cases)
        kinds = ["csv", "csv.gz", "parquet", "jsonl"]
        kind = kinds[number % 4]
        for side, values in (("a", reference), ("b", current)):
            frame = values if isinstance(values, pd.DataFrame) else pd.DataFrame({"x": values})
            file = os.path.join(folder, f"{number}{side}.{kind}")
            if kind == "parquet":
                frame.to_parquet(file, compression=["snappy", "zstd", "gzip", "brotli"][number // 4 % 4])
            elif kind == "jsonl":
                frame.to_json(file, orient="records", lines=True, double_precision=15) if frame.dtypes.iloc[
                    0
                ] == object else write_lines(frame, file)
            else:
                frame.to_csv(file, index=False)
        return {"name": name, "reference": f"{number}a.{kind}", "current": f"{number}b.{kind}"}

    for name, a, b in number_pairs(rng):
        found = numbers(a, b)
        found.update(counts(a, b)[0])
        cases.append({**write(name, a, b), "found": found})
    for name, a, b in category_pairs(rng):
        found, p, q = counts(a, b)
        found["js"] = [jensenshannon(p, q, base=2), None]
        found["psi"] = found["psi_uniform"] = [floored_psi(p, q), None]
        cases.append({**write(name, a, b), "found": found})
    for n, m, d, shift in [(20, 30, 1, 0.5), (60, 50, 3, 0), (200, 150, 2, 1), (400, 333, 8, 0.1), (31, 33, 64, 0.2)]:
        x, y = rng.normal(1, 1, (n, d)), rng.normal(1 + shift, 1, (m, d))
        names = [f"c{i}" for i in range(d)]
        both = together(x, y)
        scaled = together(x / x.std(0), y / x.std(0))
        files = write(f"rows {n} {d}", pd.DataFrame(x, columns=names), pd.DataFrame(y, columns=names))
        cases.append({**files, "together": both, "standardized": scaled})
    with open(os.path.join(folder, "cases.json"), "w") as out:
        json.dump(cases, out, default=float)


def write_lines(frame, file):
    with open(file, "w") as out:
        for row in frame.to_dict("records"):
            out.write(json.dumps({k: None if pd.isna(v) else v for k, v in row.items()}, ensure_ascii=False) + "\n")


main(sys.argv[1])
