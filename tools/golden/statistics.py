"""Golden values for src/statistics, computed by SciPy: an implementation that is not ours.

    uv run --with scipy --with numpy tools/golden/statistics.py > src/statistics/golden.json
"""

import json

import numpy
import scipy
from scipy import special, stats

NORMAL = [-37.0, -8.5, -3.0, -1.0, -1e-3, 0.0, 0.5, 1.959964, 4.0, 8.0]
PROBABILITIES = [1e-300, 1e-20, 1e-6, 0.001, 0.02, 0.025, 0.2, 0.5, 0.8, 0.95, 0.975, 0.999]
STUDENT = [(0.975, 1), (0.95, 2), (0.025, 5), (0.999, 9), (0.5, 12), (0.9, 28), (1e-6, 28)]
GAMMA = [1e-3, 0.2, 0.5, 1.0, 1.5, 3.0, 10.5, 170.0, 1e4, 1e6]
CHI_SQUARE = [(0.5, 1), (3.84, 1), (17.3, 19), (60.0, 19), (400.0, 19), (0.01, 50), (2000.0, 255)]
BETA = [(0.5, 0.5, 0.5), (0.02, 9, 442), (0.9, 440, 12), (0.999, 3, 2), (1e-6, 1, 100), (0.31, 300, 700), (0.5, 10000, 10100)]
BETA_QUANTILES = [(0.025, 8, 93), (0.975, 9, 92), (0.5, 0.5, 0.5), (0.05, 1, 450), (0.99, 4300, 200)]
BINOMIAL = [(0, 10, 0.1), (3, 10, 0.5), (30, 450, 0.05), (8, 9, 0.5), (500, 1000, 0.45), (1, 100000, 1e-5)]
MCNEMAR = [(0, 0), (5, 5), (1, 9), (12, 3), (40, 66)]
PROPORTIONS = [(0, 50, 0.95), (50, 50, 0.95), (8, 100, 0.95), (432, 450, 0.95), (1, 3, 0.9), (9000, 10000, 0.99)]
COUNTS = [
    ([16, 18, 16, 14, 12, 12], [16, 16, 16, 16, 16, 8]),
    ([250, 250, 250, 250], [100, 130, 140, 130]),
    ([1000, 30, 500, 470], [300, 90, 60, 50]),
    ([50] * 20, [20, 30, 25, 25, 40, 10, 25, 25, 25, 25, 26, 24, 25, 25, 27, 23, 25, 25, 25, 25]),
]
P_VALUES = [0.01, 0.04, 0.03, 0.005, 0.9, 0.04, 1.0]


def interval(successes, trials, confidence, method):
    found = stats.binomtest(successes, trials).proportion_ci(confidence, method)
    return {"low": found.low, "high": found.high}


def mcnemar(candidate_only, champion_only):
    discordant = candidate_only + champion_only
    two = stats.binomtest(candidate_only, discordant, 0.5).pvalue if discordant else 1.0
    return {"pValue": two, "pValueWorse": float(stats.binom.sf(champion_only - 1, discordant, 0.5))}


def drift(reference, current):
    n, m = numpy.array(reference, float), numpy.array(current, float)
    p, q = n / n.sum(), m / m.sum()
    chi = stats.chi2_contingency([reference, current], correction=False)
    return {
        "reference": reference,
        "current": current,
        "statistic": chi.statistic,
        "degreesOfFreedom": int(chi.dof),
        "pValue": chi.pvalue,
        "psi": float(special.rel_entr(p, q).sum() + special.rel_entr(q, p).sum()),
        "jensenShannon": float(numpy.sqrt((stats.entropy(p, (p + q) / 2, 2) + stats.entropy(q, (p + q) / 2, 2)) / 2)),
        "hellinger": float(numpy.linalg.norm(numpy.sqrt(p) - numpy.sqrt(q)) / numpy.sqrt(2)),
        "kolmogorovSmirnov": float(numpy.abs(numpy.cumsum(p - q)).max()),
        "totalVariation": float(numpy.abs(p - q).sum() / 2),
    }


print(
    json.dumps(
        {
            "madeBy": f"tools/golden/statistics.py with SciPy {scipy.__version__}",
            "normalCdf": [{"x": x, "value": float(stats.norm.cdf(x))} for x in NORMAL],
            "normalQuantile": [{"p": p, "value": float(stats.norm.ppf(p))} for p in PROBABILITIES],
            "studentQuantile": [{"p": p, "df": df, "value": float(stats.t.ppf(p, df))} for p, df in STUDENT],
            "logGamma": [{"x": x, "value": float(special.gammaln(x))} for x in GAMMA],
            "chiSquareTail": [{"x": x, "df": df, "value": float(stats.chi2.sf(x, df))} for x, df in CHI_SQUARE],
            "betaCdf": [{"x": x, "a": a, "b": b, "value": float(stats.beta.cdf(x, a, b))} for x, a, b in BETA],
            "betaQuantile": [{"p": p, "a": a, "b": b, "value": float(stats.beta.ppf(p, a, b))} for p, a, b in BETA_QUANTILES],
            "binomial": [
                {"k": k, "n": n, "p": p, "cdf": float(stats.binom.cdf(k, n, p)), "tail": float(stats.binom.sf(k - 1, n, p))}
                for k, n, p in BINOMIAL
            ],
            "mcnemar": [{"candidateOnly": a, "championOnly": b, **mcnemar(a, b)} for a, b in MCNEMAR],
            "proportions": [
                {
                    "successes": k,
                    "trials": n,
                    "confidence": c,
                    "exact": interval(k, n, c, "exact"),
                    "wilson": interval(k, n, c, "wilson"),
                }
                for k, n, c in PROPORTIONS
            ],
            "drift": [drift(reference, current) for reference, current in COUNTS],
            "benjaminiHochberg": {"pValues": P_VALUES, "adjusted": stats.false_discovery_control(P_VALUES).tolist()},
        },
        indent=1,
    )
)
