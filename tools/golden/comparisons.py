"""Golden values for comparisons of two models on the same rows, worked out another way than ours.

    uv run --with scipy --with numpy tools/golden/comparisons.py > src/statistics/golden-comparisons.json

Tango's interval: the nuisance share by numerical maximum likelihood, the ends by root finding. DeLong: placements
by comparing every pair of rows, covariances by numpy. Bootstraps: units drawn one by one, a hundred times as often
as we do.
"""

import json
import sys

import numpy as np
import scipy
from scipy import optimize, stats

TABLES = [(450, 7, 7), (450, 0, 0), (100, 5, 10), (100, 10, 5), (5000, 60, 90), (30, 0, 3), (30, 3, 0), (20, 12, 8), (10_000_000, 50_000, 50_300)]
CONFIDENCES = [0.9, 0.95, 0.975, 0.999]


def log_likelihood(p21, difference, rows, b, c):
    p12 = p21 + difference
    rest = 1 - p12 - p21
    return stats.multinomial.logpmf([b, c, rows - b - c], rows, [p12, p21, rest])


def statistic(difference, rows, b, c):
    low, high = max(0.0, -difference), (1 - difference) / 2
    found = optimize.minimize_scalar(
        lambda p21: -score_part(p21, difference, rows, b, c), bounds=(low, high), method="bounded", options={"xatol": 1e-13}
    )
    candidates = [found.x, low, high]
    p21 = max(candidates, key=lambda p: score_part(p, difference, rows, b, c))
    variance = rows * (2 * p21 + difference * (1 - difference))
    return (b - c - rows * difference) / np.sqrt(variance) if variance > 0 else np.inf


def score_part(p21, difference, rows, b, c):
    total = 0.0
    for count, share in ((b, p21 + difference), (c, p21), (rows - b - c, 1 - 2 * p21 - difference)):
        if count > 0:
            if share <= 0:
                return -np.inf
            total += count * np.log(share)
    return total


def tango(rows, b, c, confidence):
    z = stats.norm.ppf(confidence)
    estimate = (b - c) / rows
    lower = optimize.brentq(lambda d: statistic(d, rows, b, c) - z, -1 + 1e-12, estimate - 1e-14, xtol=1e-14)
    return {"rows": rows, "candidateOnly": b, "championOnly": c, "confidence": confidence, "atLeast": lower}


def placements(scores, positive):
    above = scores[positive][:, None] > scores[~positive][None, :]
    tied = scores[positive][:, None] == scores[~positive][None, :]
    wins = above + 0.5 * tied
    return wins.mean(axis=1), wins.mean(axis=0), wins.mean()


def delong(seed, rows, digits):
    random = np.random.default_rng(seed)
    positive = random.random(rows) < 0.4
    positive[:2] = True
    positive[2:4] = False
    one = np.round(random.normal(positive * 1.0), digits)
    other = np.round(0.6 * one + random.normal(positive * 0.7), digits)
    v10a, v01a, a = placements(one, positive)
    v10b, v01b, b = placements(other, positive)
    covariance = np.cov(v10a, v10b) / positive.sum() + np.cov(v01a, v01b) / (~positive).sum()
    return {
        "positive": positive.astype(int).tolist(),
        "one": one.tolist(),
        "other": other.tolist(),
        "areas": [a, b],
        "variance": covariance[0, 0],
        "varianceOfDifference": covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1],
    }


RESAMPLES = 200_000


def bootstrap(seed, rows, digits, per_unit, weighted):
    """The lower 5 % end of the mean of differences, and its standard error."""
    random = np.random.default_rng(seed)
    units = np.arange(rows) // per_unit
    count = units[-1] + 1
    differences = np.round(random.normal(0.1, 1, rows) + random.normal(0, 1, count)[units], digits)
    weights = np.round(random.uniform(0.5, 3, rows), 1) if weighted else np.ones(rows)
    sums = np.bincount(units, weights * differences)
    sizes = np.bincount(units, weights)
    means = np.empty(RESAMPLES)
    for i in range(RESAMPLES):
        drawn = random.integers(0, count, count)
        means[i] = sums[drawn].sum() / sizes[drawn].sum()
    return {
        "differences": differences.tolist(),
        **({"weights": weights.tolist()} if weighted else {}),
        **({"units": units.tolist()} if per_unit > 1 else {}),
        "atLeast": np.quantile(means, 0.05),
        "standardError": means.std(),
    }


json.dump(
    {
        "scipy": scipy.__version__,
        "tango": [tango(*table, confidence) for table in TABLES for confidence in CONFIDENCES],
        "delong": [delong(seed, rows, digits) for seed, rows, digits in ((1, 12, 6), (2, 40, 1), (3, 120, 3), (4, 60, 0))],
        "bootstrap": [
            bootstrap(*case)
            for case in ((5, 120, 6, 1, False), (6, 200, 0, 1, False), (7, 150, 6, 1, True), (8, 180, 6, 3, False), (9, 240, 0, 4, True))
        ],
    },
    sys.stdout,
)
