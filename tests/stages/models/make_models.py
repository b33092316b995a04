"""Writes the .onnx files beside it: pip install onnx numpy, then run. They are committed."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

HERE = Path(__file__).parent


def constant(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def classifier(name, nodes, last, constants=()):
    """x INT64 [n,4] -> label INT64 [n], the column with the largest number."""
    graph = h.make_graph(
        [
            *nodes,
            h.make_node("Cast", [last], ["scores"], to=T.FLOAT),
            h.make_node("ArgMax", ["scores"], ["label"], axis=1, keepdims=0),
        ],
        name,
        [h.make_tensor_value_info("x", T.INT64, ["n", 4])],
        [h.make_tensor_value_info("label", T.INT64, ["n"])],
        list(constants),
    )
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, HERE / f"{name}.onnx")


classifier("steady", [], "x")

# Answers like `steady`, but fails on a row of zeros: an integer division by its sum.
classifier(
    "brittle",
    [
        h.make_node("ReduceSum", ["x", "axes"], ["sum"], keepdims=1),
        h.make_node("Div", ["x", "sum"], ["share"]),
        h.make_node("Mul", ["share", "nothing"], ["none"]),
        h.make_node("Add", ["x", "none"], ["same"]),
    ],
    "same",
    [constant("axes", np.int64([1])), constant("nothing", np.int64([0]))],
)
