"""From pixels to features. Part of the model: the ONNX file takes raw pixels."""

import numpy as np
from onnx import TensorProto
from skl2onnx import update_registered_converter
from skl2onnx.common.data_types import FloatTensorType
from sklearn.base import BaseEstimator, TransformerMixin

from digits.images import DARKEST


class Normalise(TransformerMixin, BaseEstimator):
    """Pixels of 0 to 16 become features of 0 to 1."""

    def fit(self, pixels, labels=None):
        return self

    def transform(self, pixels):
        return np.asarray(pixels, dtype=np.float32) / np.float32(DARKEST)


def _shape(operator):
    operator.outputs[0].type = FloatTensorType([None, operator.inputs[0].type.shape[1]])


def _convert(scope, operator, container):
    """The same as `transform`, as ONNX."""
    darkest = scope.get_unique_variable_name("darkest")
    container.add_initializer(darkest, TensorProto.FLOAT, [1], [float(DARKEST)])
    container.add_node("Div", [operator.inputs[0].full_name, darkest], operator.outputs[0].full_name)


update_registered_converter(Normalise, "DigitsNormalise", _shape, _convert)
