"""The classifier, and how it becomes `model.onnx`."""

from pathlib import Path

import pandas as pd
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import SVC

from digits.features import Normalise
from digits.images import PIXELS

DIGITS = 10
OPSETS = {"": 18, "ai.onnx.ml": 3}


def build(params: dict) -> Pipeline:
    classifier = SVC(C=params["C"], gamma=params["gamma"], probability=True, random_state=params["seed"])
    return make_pipeline(Normalise(), classifier)


def fit(images: pd.DataFrame, params: dict) -> Pipeline:
    return build(params).fit(images[PIXELS].to_numpy("float32"), images["label"].to_numpy())


def export(model: Pipeline, path: Path) -> None:
    """
    Input `x` [n, 64]; outputs `label` [n] and `probabilities` [n, 10]. Two trainings on the same data
    give the same bytes, since another file would be another model to evaluate, accept and roll out.
    """
    onnx = convert_sklearn(
        model,
        name="digits",
        initial_types=[("x", FloatTensorType([None, len(PIXELS)]))],
        final_types=[("label", Int64TensorType([None])), ("probabilities", FloatTensorType([None, DIGITS]))],
        options={id(model): {"zipmap": False}},
        target_opset=OPSETS,
    )
    # The converter keeps these in a set, whose order changes from one Python process to the next.
    opsets = sorted(onnx.opset_import, key=lambda opset: opset.domain)
    del onnx.opset_import[:]
    onnx.opset_import.extend(opsets)
    path.write_bytes(onnx.SerializeToString(deterministic=True))
