"""From pixels to features. Part of the model: the ONNX file takes raw pixels."""

import numpy as np
from onnx import TensorProto
from skl2onnx import update_registered_converter
from skl2onnx.common.data_types import FloatTensorType
from sklearn.base import BaseEstimator, TransformerMixin

PER_MILLE = 1000


class Normalise(TransformerMixin, BaseEstimator):
    """
    Every pixel as its share of the image's ink, in per mille: a heavy pen and a light one give the same
    features. In integers, so that every machine computes the same, to the last bit.
    """

    def fit(self, pixels, labels=None):
        return self

    def transform(self, pixels):
        ink = np.asarray(pixels).astype(np.int64)
        return (ink * PER_MILLE // ink.sum(axis=1, keepdims=True)).astype(np.float32)


def _shape(operator):
    operator.outputs[0].type = FloatTensorType([None, operator.inputs[0].type.shape[1]])


def _convert(scope, operator, container):
    """The same as `transform`, as ONNX."""
    ink, total, scaled, share, pixels, per_mille = (
        scope.get_unique_variable_name(name) for name in ("ink", "total", "scaled", "share", "pixels", "per_mille")
    )
    container.add_initializer(pixels, TensorProto.INT64, [1], [1])
    container.add_initializer(per_mille, TensorProto.INT64, [1], [PER_MILLE])
    container.add_node("Cast", [operator.inputs[0].full_name], ink, to=TensorProto.INT64)
    container.add_node("ReduceSum", [ink, pixels], total, op_version=13, keepdims=1)
    container.add_node("Mul", [ink, per_mille], scaled, op_version=14)
    container.add_node("Div", [scaled, total], share, op_version=14)
    container.add_node("Cast", [share], operator.outputs[0].full_name, op_version=13, to=TensorProto.FLOAT)


update_registered_converter(Normalise, "DigitsNormalise", _shape, _convert)
