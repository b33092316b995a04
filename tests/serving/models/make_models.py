"""Writes the .onnx files beside it: pip install onnx numpy, then run. They are committed."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

HERE = Path(__file__).parent


def value(name, datatype, shape):
    return h.make_tensor_value_info(name, datatype, shape)


def constant(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def save(name, nodes, inputs, outputs, constants=()):
    graph = h.make_graph(nodes, name, inputs, outputs, list(constants))
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, HERE / f"{name}.onnx")


def classifier(name, weights):
    """x FP32 [n,4] -> label INT64 [n], probabilities FP32 [n,2]."""
    save(
        name,
        [
            h.make_node("MatMul", ["x", "w"], ["z"]),
            h.make_node("Softmax", ["z"], ["probabilities"], axis=1),
            h.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
        ],
        [value("x", T.FLOAT, ["n", 4])],
        [value("label", T.INT64, ["n"]), value("probabilities", T.FLOAT, ["n", 2])],
        [constant("w", np.float32(weights))],
    )


def endless_body():
    return h.make_graph(
        [
            h.make_node("Identity", ["going"], ["still"]),
            h.make_node("Add", ["state", "state"], ["doubled"]),
            h.make_node("Sub", ["doubled", "state"], ["next"]),
        ],
        "body",
        [value("i", T.INT64, []), value("going", T.BOOL, []), value("state", T.FLOAT, [1])],
        [value("still", T.BOOL, []), value("next", T.FLOAT, [1])],
    )


classifier("one", [[1, 0], [1, 0], [0, 1], [0, 1]])
classifier("two", [[0, 1], [0, 1], [1, 0], [1, 0]])

TYPES = {
    "bool": T.BOOL, "uint8": T.UINT8, "uint16": T.UINT16, "uint32": T.UINT32, "uint64": T.UINT64,
    "int8": T.INT8, "int16": T.INT16, "int32": T.INT32, "int64": T.INT64,
    "fp16": T.FLOAT16, "fp32": T.FLOAT, "fp64": T.DOUBLE, "bytes": T.STRING,
}
save(
    "every-type",
    [h.make_node("Identity", [name], [f"{name}_out"]) for name in TYPES],
    [value(name, datatype, ["n"]) for name, datatype in TYPES.items()],
    [value(f"{name}_out", datatype, ["n"]) for name, datatype in TYPES.items()],
)

save("logarithm", [h.make_node("Log", ["x"], ["y"])], [value("x", T.FLOAT, ["n", 1])], [value("y", T.FLOAT, ["n", 1])])

# Fails, and only fails, on a row of zeros: an integer division by its sum.
save(
    "divides",
    [
        h.make_node("ReduceSum", ["x", "axes"], ["sum"], keepdims=1),
        h.make_node("Div", ["x", "sum"], ["y"]),
    ],
    [value("x", T.INT64, ["n", 4])],
    [value("y", T.INT64, ["n", 4])],
    [constant("axes", np.int64([1]))],
)

# Answers at once for 0 rounds, never for as many as int64 can count.
save(
    "hangs-in-run",
    [h.make_node("Loop", ["rounds", "", "x"], ["y"], body=endless_body())],
    [value("x", T.FLOAT, [1]), value("rounds", T.INT64, [])],
    [value("y", T.FLOAT, [1])],
)

# As many floats as asked for.
save(
    "eats-memory-in-run",
    [
        h.make_node("ConstantOfShape", ["size"], ["zeros"], value=h.make_tensor("v", T.FLOAT, [1], [1.0])),
        h.make_node("ReduceSum", ["zeros"], ["y"], keepdims=0),
    ],
    [value("size", T.INT64, [1])],
    [value("y", T.FLOAT, [])],
)

# Constant folding computes these while the model loads, and keeps what it computed: 16 GB, 200 MB at a time ...
save(
    "eats-memory-in-load",
    [
        h.make_node("ConstantOfShape", ["size"], ["n0"], value=h.make_tensor("v", T.FLOAT, [1], [1.0])),
        *[h.make_node("Neg", [f"n{i}"], [f"n{i + 1}"]) for i in range(80)],
        *[h.make_node("ReduceSum", [f"n{i}"], [f"s{i}"], keepdims=0) for i in range(81)],
        h.make_node("Sum", ["x", *[f"s{i}" for i in range(81)]], ["y"]),
    ],
    [value("x", T.FLOAT, [1])],
    [value("y", T.FLOAT, [1])],
    [constant("size", np.int64([50_000_000]))],
)
# ... and many products of large matrices: hours.
save(
    "hangs-in-load",
    [
        h.make_node("ConstantOfShape", ["side"], ["p0"], value=h.make_tensor("v", T.FLOAT, [1], [1.0])),
        *[h.make_node("MatMul", [f"p{i}", f"p{i}"], [f"p{i + 1}"]) for i in range(5_000)],
        h.make_node("ReduceSum", ["p5000"], ["sum"], keepdims=0),
        h.make_node("Add", ["x", "sum"], ["y"]),
    ],
    [value("x", T.FLOAT, [1])],
    [value("y", T.FLOAT, [1])],
    [constant("side", np.int64([2_000, 2_000]))],
)
(HERE / "not-a-model.onnx").write_bytes(b"this is not a protobuf of a model")
