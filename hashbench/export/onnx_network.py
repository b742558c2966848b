"""An encoder that is no linear projection as an ONNX graph, in the precision of the method."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
import torch
from onnx import helper
from torch import Tensor, nn

from hashbench.errors import UsageError
from hashbench.method import HashMethod

OPSET = 18  # the lowest that torch's exporter writes
EXAMPLES = 2  # one would fix the batch's size
DYNAMIC = ({0: torch.export.Dim("n")},)


class _Encoder(nn.Module):
    """A fitted method as a module: its input to its projection, and its bits."""

    def __init__(self, method: HashMethod) -> None:
        super().__init__()
        self.method = method

    def forward(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        z = self.method.project(batch)
        assert z is not None
        return z, z >= 0 if self.method.traits.zero_is_one else z > 0


def write_network(method: HashMethod, example: Tensor, about: dict[str, str], file: Path) -> str:
    """Write the graph: "images" uint8 [n, 3, h, w] or "features" float32 [n, d] to "projection" and "bits".

    Args:
        method: fitted, on the CPU, with a projection.
        example: a batch of its input.
        about: texts for the model's metadata, "method" among them.
        file: where it goes.

    Returns:
        The type of "projection", as numpy has it: float32 of a network, float64 of methods that compute in it.

    Raises:
        UsageError: ONNX has no operators for what the method does.
    """
    name = "images" if method.traits.input == "images" else "features"
    try:
        with _quiet():
            program = torch.onnx.export(
                _traced(_Encoder(method).eval(), example[:1].repeat(EXAMPLES, *[1] * (example.ndim - 1))),
                dynamo=True,
                input_names=[name],
                output_names=["projection", "bits"],
                dynamic_shapes=DYNAMIC,
                opset_version=OPSET,
                verbose=False,
            )
    except Exception as error:  # whatever a method does that the exporter cannot follow
        line = str(error).strip().partition("\n")[0]
        raise UsageError(
            f"{about['method']} cannot be exported as ONNX: {type(error).__name__}: {line}; name another"
        ) from error
    assert program is not None
    model = program.model_proto
    model.producer_name = "hashbench"
    helper.set_model_props(model, about)
    onnx.save_model(model, str(file))
    return str(helper.tensor_dtype_to_np_dtype(model.graph.output[0].type.tensor_type.elem_type))


def _traced(encoder: nn.Module, batch: Tensor) -> torch.export.ExportedProgram:
    """The encoder as a program for batches of any size; torch.onnx.export on its own may fix it to the example's."""
    try:
        return torch.export.export(encoder, (batch,), dynamic_shapes=DYNAMIC, strict=False)
    except Exception:  # the method calls len(batch), say, which is left open in strict mode alone
        return torch.export.export(encoder, (batch,), dynamic_shapes=DYNAMIC, strict=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter tells its developers."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
