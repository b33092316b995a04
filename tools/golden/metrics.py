"""Writes src/evaluation/golden.json: what scikit-learn says of the same rows.

uv run --with scikit-learn==1.7.* --with numpy tools/golden/metrics.py > src/evaluation/golden.json

Real data that scikit-learn bundles, and many random cases: ties, weights, one class only, classes that are
never answered or never true, scores that are missing. None: the metric does not exist for the rows. Where
scikit-learn answers 0 or 1 for what has no answer, we answer nothing; each such place is marked "ours".
"""

import json
import sys
import warnings

import numpy as np
import sklearn
from sklearn import datasets, linear_model
from sklearn import metrics as m

warnings.filterwarnings("ignore")


def classification(name, truth, scores, predicted=None, weights=None, positive=None, missing=()):
    rows, classes = scores.shape
    every = range(classes)
    predicted = scores.argmax(axis=1) if predicted is None else predicted
    weighted = {} if weights is None else {"sample_weight": weights}
    binary = classes == 2
    of = positive if positive is not None else (1 if binary else None)
    expected = {
        "accuracy": m.accuracy_score(truth, predicted, **weighted),
        "balanced-accuracy": m.balanced_accuracy_score(truth, predicted, **weighted),
    }
    for metric, score in (("precision", m.precision_score), ("recall", m.recall_score), ("f1", m.f1_score)):
        for average in ("macro", "micro", "weighted"):
            expected[f"{metric}-{average}"] = score(truth, predicted, average=average, zero_division=0, **weighted)
        if positive is None:
            expected[metric] = expected[f"{metric}-macro"]
        else:
            # ours: none instead of a number where nothing was called, or is, the class
            one = score(truth == positive, predicted == positive, zero_division=np.nan, **weighted)
            expected[metric] = one
    if not missing:
        expected |= scored(truth, scores, weights, of, weighted, every, positive)
    else:
        expected |= dict.fromkeys(("auc", "auc-weighted", "pr-auc", "log-loss", "brier", "calibration-error"))
    given = scores.copy()
    for row in missing:
        given[row, 0] = np.nan
    return {
        "name": name,
        "classes": [str(c) for c in every],
        "truth": truth.tolist(),
        "predicted": predicted.tolist(),
        "scores": [number(value) for value in given.ravel()],
        **({} if weights is None else {"weights": weights.tolist()}),
        **({} if positive is None else {"positive": positive}),
        "expected": {key: number(value) for key, value in expected.items()},
        "confusion": m.confusion_matrix(truth, predicted, labels=every, **weighted).tolist(),
    }


def scored(truth, scores, weights, of, weighted, every, positive):
    normal = scores / scores.sum(axis=1, keepdims=True)
    w = np.ones(len(truth)) if weights is None else weights
    judged = [of] if of is not None else list(every)
    # ours: the mean over the classes with rows on both sides; scikit-learn refuses when one has none
    both = [c for c in judged if 0 < w[truth == c].sum() < w.sum()]
    areas = [m.roc_auc_score(truth == c, scores[:, c], **weighted) for c in both]
    shares = [w[truth == c].sum() for c in both]
    true = [c for c in judged if w[truth == c].sum() > 0]
    precisions = [m.average_precision_score(truth == c, scores[:, c], **weighted) for c in true]
    binary = scores.shape[1] == 2
    side = positive if positive is not None else 1
    return {
        "auc": np.mean(areas) if both else np.nan,
        "auc-weighted": np.average(areas, weights=shares) if both else np.nan,
        "pr-auc": np.mean(precisions) if true else np.nan,
        "log-loss": m.log_loss(truth, normal, labels=list(every), **weighted),
        "brier": (
            m.brier_score_loss(truth == side, scores[:, side], **weighted)
            if binary
            else np.average(((scores - np.eye(scores.shape[1])[truth]) ** 2).sum(axis=1), weights=w)
        ),
        "calibration-error": calibration_error(truth, scores, w),
    }


def calibration_error(truth, scores, weights):
    """Not in scikit-learn: Naeini, Cooper and Hauskrecht (2015), ten bins, right-closed."""
    confidence = scores.max(axis=1)
    right = scores.argmax(axis=1) == truth
    bins = np.clip(np.ceil(confidence * 10).astype(int) - 1, 0, 9)
    off = [abs((weights * (confidence - right))[bins == b].sum()) for b in range(10)]
    return sum(off) / weights.sum()


def regression(name, truth, predicted, weights=None):
    weighted = {} if weights is None else {"sample_weight": weights}
    constant = np.all(truth == truth[0])
    expected = {
        "mae": m.mean_absolute_error(truth, predicted, **weighted),
        "mse": m.mean_squared_error(truth, predicted, **weighted),
        "rmse": m.mean_squared_error(truth, predicted, **weighted) ** 0.5,
        # ours: none where all truths are equal
        "r2": np.nan if constant else m.r2_score(truth, predicted, **weighted),
        "mape": m.mean_absolute_percentage_error(truth, predicted, **weighted),
        "median-absolute-error": m.median_absolute_error(truth, predicted, **weighted),
        "quantile-loss-p5": m.mean_pinball_loss(truth, predicted, alpha=0.05, **weighted),
        "quantile-loss-p50": m.mean_pinball_loss(truth, predicted, alpha=0.5, **weighted),
        "quantile-loss-p90": m.mean_pinball_loss(truth, predicted, alpha=0.9, **weighted),
    }
    return {
        "name": name,
        "truth": truth.tolist(),
        "predicted": predicted.tolist(),
        **({} if weights is None else {"weights": weights.tolist()}),
        "expected": {key: number(value) for key, value in expected.items()},
    }


def number(value):
    return None if value is None or np.isnan(value) else float(value)


def random_classification(seed):
    random = np.random.default_rng(seed)
    classes = int(random.choice([2, 2, 2, 3, 4, 7]))
    rows = int(random.choice([1, 2, 5, 12, 30]))
    kind = random.choice(["plain", "ties", "one class", "never answered", "answers of their own", "missing"])
    truth = random.integers(0, classes, rows)
    if kind == "one class":
        truth[:] = random.integers(0, classes)
    raw = random.gamma(0.8, size=(rows, classes)) + 1e-3
    raw[np.arange(rows), truth] += random.gamma(1.0, size=rows)
    if kind == "never answered":
        raw[:, 0] = 1e-3
    scores = raw / raw.sum(axis=1, keepdims=True)
    if kind == "ties":
        scores = np.round(scores, 1) + 0.01
        scores /= scores.sum(axis=1, keepdims=True)
    scores = np.round(scores, 6)
    predicted = random.integers(0, classes, rows) if kind == "answers of their own" else None
    weights = np.round(random.gamma(1.0, size=rows) + 0.01, 4) if random.random() < 0.4 else None
    positive = int(random.integers(0, classes)) if random.random() < 0.5 else None
    missing = (int(random.integers(0, rows)),) if kind == "missing" else ()
    return classification(f"{seed}: {kind}", truth, scores, predicted, weights, positive, missing)


def random_regression(seed):
    random = np.random.default_rng(seed)
    rows = int(random.choice([1, 2, 3, 10, 31]))
    truth = np.round(random.normal(random.choice([0, 10, 1e6]), 5, rows), 4)
    if random.random() < 0.2:
        truth[:] = truth[0]
    if random.random() < 0.2:
        truth[0] = 0.0
    predicted = np.round(truth + random.normal(0.3, 2, rows), 4)
    weights = np.round(random.gamma(1.0, size=rows) + 0.01, 4) if random.random() < 0.4 else None
    return regression(f"{seed}", truth, predicted, weights)


def bundled():
    x, y = datasets.load_breast_cancer(return_X_y=True)
    model = linear_model.LogisticRegression(max_iter=200).fit(x[::2, :5], y[::2])
    scores = np.round(model.predict_proba(x[1::2, :5]), 6)
    yield classification("breast cancer", y[1::2], scores, positive=0)
    x, y = datasets.load_wine(return_X_y=True)
    model = linear_model.LogisticRegression(max_iter=200).fit(x[::2, :3], y[::2])
    scores = np.round(model.predict_proba(x[1::2, :3]), 6)
    yield classification("wine", y[1::2], scores, weights=np.round(1 + x[1::2, 0] / 10, 4))


def bundled_regression():
    x, y = datasets.load_diabetes(return_X_y=True)
    model = linear_model.LinearRegression().fit(x[::2], y[::2])
    yield regression("diabetes", y[1::2], np.round(model.predict(x[1::2]), 4))


json.dump(
    {
        "scikitLearn": sklearn.__version__,
        "classification": [*bundled(), *(random_classification(seed) for seed in range(150))],
        "regression": [*bundled_regression(), *(random_regression(seed) for seed in range(60))],
    },
    sys.stdout,
)
