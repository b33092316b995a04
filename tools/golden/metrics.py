"""Writes src/evaluation/golden.json: what scikit-learn says of the same rows.

uv run --with scikit-learn==1.7.* --with numpy tools/golden/metrics.py > src/evaluation/golden.json
"""

import json
import sys

import numpy as np
import sklearn
from sklearn import metrics as m


def classification(name, rows, classes, seed, ties):
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes, rows)
    raw = random.gamma(0.8, size=(rows, classes))
    raw[np.arange(rows), truth] += random.gamma(1.5, size=rows)
    scores = raw / raw.sum(axis=1, keepdims=True)
    if ties:
        scores = np.round(scores, 1) + 0.01
        scores /= scores.sum(axis=1, keepdims=True)
    scores = np.round(scores, 9)
    predicted = scores.argmax(axis=1)
    binary = classes == 2
    chosen = scores / scores.sum(axis=1, keepdims=True)
    expected = {
        "accuracy": m.accuracy_score(truth, predicted),
        "balanced-accuracy": m.balanced_accuracy_score(truth, predicted),
        "auc": m.roc_auc_score(truth, scores[:, 1]) if binary else np.mean([m.roc_auc_score(truth == c, scores[:, c]) for c in range(classes)]),
        "log-loss": m.log_loss(truth, chosen, labels=range(classes)),
        "brier": np.mean((scores[:, 1] - truth) ** 2) if binary else np.mean(((scores - np.eye(classes)[truth]) ** 2).sum(axis=1)),
        "calibration-error": calibration_error(truth, scores),
    }
    for average in ("macro", "weighted"):
        suffix = "" if average == "macro" else "-weighted"
        for metric, of in (("precision", m.precision_score), ("recall", m.recall_score), ("f1", m.f1_score)):
            expected[metric + suffix] = of(truth, predicted, average=average, zero_division=0)
    return {
        "name": name,
        "classes": [str(c) for c in range(classes)],
        "truth": truth.tolist(),
        "predicted": predicted.tolist(),
        "scores": scores.ravel().tolist(),
        "expected": {key: float(value) for key, value in expected.items()},
        "confusion": m.confusion_matrix(truth, predicted, labels=range(classes)).tolist(),
    }


def calibration_error(truth, scores):
    """Not in scikit-learn: Naeini, Cooper and Hauskrecht (2015), ten bins, right-closed."""
    confidence = scores.max(axis=1)
    right = scores.argmax(axis=1) == truth
    bins = np.clip(np.ceil(confidence * 10).astype(int) - 1, 0, 9)
    return sum(abs(confidence[bins == b].sum() - right[bins == b].sum()) for b in range(10)) / len(truth)


def regression(name, rows, seed):
    random = np.random.default_rng(seed)
    truth = np.round(random.normal(10, 5, rows), 6)
    predicted = np.round(truth + random.normal(0.3, 2, rows), 6)
    expected = {
        "mae": m.mean_absolute_error(truth, predicted),
        "mse": m.mean_squared_error(truth, predicted),
        "rmse": m.mean_squared_error(truth, predicted) ** 0.5,
        "r2": m.r2_score(truth, predicted),
        "mape": m.mean_absolute_percentage_error(truth, predicted),
        "median-absolute-error": m.median_absolute_error(truth, predicted),
    }
    return {
        "name": name,
        "truth": truth.tolist(),
        "predicted": predicted.tolist(),
        "expected": {key: float(value) for key, value in expected.items()},
    }


json.dump(
    {
        "scikitLearn": sklearn.__version__,
        "classification": [
            classification("binary", 80, 2, 1, False),
            classification("binary with ties", 61, 2, 2, True),
            classification("four classes", 90, 4, 3, False),
            classification("ten classes with ties", 120, 10, 4, True),
        ],
        "regression": [regression("even", 50, 5), regression("odd", 51, 6)],
    },
    sys.stdout,
)
