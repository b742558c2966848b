"""A linear encoder as an ONNX graph in float64."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from hashbench.method import Linear

OPSET, IR_VERSION = 17, 8  # of 2022: runtimes of today and some years back read them
INPUT = "features"


class _Graph:
    """Nodes one after the other; each takes the last value."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.last = INPUT

    def constant(self, name: str, value: npt.NDArray[Any] | Tensor) -> str:
        array = value.detach().cpu().numpy() if isinstance(value, Tensor) else value
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, kind: str, *more: str, name: str | None = None, **attributes: Any) -> str:
        output = name or f"step{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [self.last, *more], [output], **attributes))
        self.last = output
        return output


def write_linear(linear: Linear, zero_is_one: bool, bits: int, about: dict[str, str], file: Path) -> None:
    """Write the graph: float32 "features" [n, d] to "projection", float64 [n, bits], "bits", bool, and packed "codes".

    Args:
        linear: the projection.
        zero_is_one: the bit of a projection that is exactly 0.
        bits: code length.
        about: texts for the model's metadata.
        file: where it goes.
    """
    graph = _Graph()
    if linear.nested:
        ends = (("start", 0), ("end", len(linear.mean)), ("axis", 1))
        graph.add("Slice", *(graph.constant(name, np.array([value])) for name, value in ends))
    graph.add("Cast", to=TensorProto.DOUBLE)
    graph.add("Sub", graph.constant("mean", linear.mean))
    if linear.projection is not None:
        graph.add("MatMul", graph.constant("matrix", linear.projection))
    if linear.threshold is not None:
        graph.add("Sub", graph.constant("threshold", linear.threshold))
    if linear.cosine:  # as a sine: onnxruntime 1.28 has no Cos of float64
        graph.add("Add", graph.constant("quarter_turn", np.array(np.pi / 2)))
    graph.add("Sin" if linear.cosine else "Identity", name="projection")
    zero = graph.constant("zero", np.array(0.0))
    graph.add("GreaterOrEqual" if zero_is_one else "Greater", zero, name="bits")
    _pack(graph, bits)
    columns = "d" if linear.nested else len(linear.mean)
    outputs = [("projection", TensorProto.DOUBLE, bits), ("bits", TensorProto.BOOL, bits)]
    outputs.append(("codes", TensorProto.UINT8, -(-bits // 8)))
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "encoder",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", columns])],
            [helper.make_tensor_value_info(name, kind, ["n", width]) for name, kind, width in outputs],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="hashbench",
    )
    helper.set_model_props(model, about)
    onnx.checker.check_model(model, full_check=True)
    onnx.save_model(model, str(file))


def _pack(graph: _Graph, bits: int) -> None:
    """Eight bits to a byte, the first highest, padding zero."""
    graph.add("Cast", to=TensorProto.INT32)
    padding = -bits % 8
    if padding:
        graph.add("Pad", graph.constant("padding", np.array([0, 0, 0, padding])))
    graph.add("Reshape", graph.constant("bytes", np.array([-1, (bits + padding) // 8, 8])))
    graph.add("Mul", graph.constant("weights", (1 << np.arange(7, -1, -1)).astype(np.int32)))
    graph.add("ReduceSum", graph.constant("last", np.array([2])), keepdims=0)
    graph.add("Cast", to=TensorProto.UINT8, name="codes")
