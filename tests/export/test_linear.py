"""Linear encoders as numbers with a numpy reader, and as ONNX: every bit of a thousand items."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pytest
import safetensors.numpy
import torch
from torch import Tensor

import hashbench as hb
from hashbench.export.check import by_onnx, check_bits
from hashbench.export.numpy_files import NUMBERS, READER, by_numpy, write_numpy
from hashbench.method import HashMethod, RunContext, TrainingSet, Traits
from hashbench.plugins.registry import METHODS

LINEAR = [name for name in METHODS.names() if METHODS.get(name).linear is not HashMethod.linear]
CASES: list[tuple[str, dict[str, Any]]] = [(name, {}) for name in LINEAR]
CASES += [("sign", {"threshold": "median"}), ("sign", {"nested": True})]


@pytest.fixture(scope="module")
def vectors() -> npt.NDArray[np.float32]:
    """A thousand vectors of 24 dimensions; three are constant, so that projections of exactly 0 occur."""
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(1_000, 24)) @ rng.normal(size=(24, 24)) + 2).astype(np.float32)
    x[:, :3] = 0
    return x


@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_every_bit_is_the_methods(
    name: str, parameters: dict[str, Any], vectors: npt.NDArray[np.float32], tmp_path: Path
) -> None:
    bits = 21 if parameters.get("nested") else 24
    labels = np.arange(len(vectors)) % 5 if METHODS.get(name).traits.supervised else None
    method = hb.hasher(name, bits, device="cpu", **parameters).fit(vectors, labels=labels).fitted
    linear, batches = method.linear(), [torch.from_numpy(part) for part in np.split(vectors, 4)]
    assert linear is not None
    zero_is_one = method.traits.zero_is_one
    write_numpy(linear, zero_is_one, {"bits": str(bits)}, tmp_path)
    check = check_bits(READER, by_numpy(tmp_path, bits), method, batches, exact=True)
    assert (check.items, check.bits, check.differing) == (1_000, 1_000 * bits, 0)
    source = (tmp_path / READER).read_text()
    assert len(source.splitlines()) <= 15
    assert "hashbench" not in source
    numbers = safetensors.numpy.load_file(tmp_path / NUMBERS)
    assert {array.dtype for array in numbers.values()} == {np.dtype(np.float64)}
    assert np.array_equal(numbers["mean"], linear.mean.numpy())
    pytest.importorskip("onnx")
    from hashbench.export.onnx_linear import write_linear

    write_linear(linear, zero_is_one, bits, {"bits": str(bits)}, tmp_path / "encoder.onnx")
    model = pytest.importorskip("onnx").load(tmp_path / "encoder.onnx")
    assert "Cos" not in {node.op_type for node in model.graph.node}  # onnxruntime 1.28 has none in float64
    assert not check_bits("onnx", by_onnx(tmp_path / "encoder.onnx"), method, batches, exact=True).differing
    session = pytest.importorskip("onnxruntime").InferenceSession(str(tmp_path / "encoder.onnx"))
    codes, projection = session.run(["codes", "projection"], {"features": vectors})
    expected = method.encode(torch.from_numpy(vectors)).numpy()
    assert np.array_equal(codes, np.packbits(expected, axis=1))
    np.testing.assert_allclose(projection, linear(torch.from_numpy(vectors)), rtol=0, atol=1e-9)


def test_vectors_of_another_width_are_refused_by_the_reader(vectors: npt.NDArray[np.float32], tmp_path: Path) -> None:
    linear = hb.hasher("itq", 8, device="cpu").fit(vectors).fitted.linear()
    assert linear is not None
    write_numpy(linear, True, {}, tmp_path)
    with pytest.raises(ValueError, match="could not be broadcast"):
        by_numpy(tmp_path, 8)(vectors[:, :23])


def test_a_bit_that_differs_is_counted_and_may_be_one_next_to_zero_of_a_network(
    vectors: npt.NDArray[np.float32],
) -> None:
    small = vectors / np.float32(1000)
    method, batch = hb.hasher("itq", 16, device="cpu").fit(small).fitted, torch.from_numpy(small)
    projection = method.project(batch)
    assert projection is not None
    order = projection.abs().flatten().argsort().tolist()

    def with_flipped(*places: int) -> Any:
        bits = method.encode(batch).numpy().copy()
        bits.flat[list(places)] ^= True
        return lambda _: bits

    check = check_bits("net", with_flipped(order[0]), method, [batch], exact=False)
    assert (check.differing, check.bits, check.items) == (1, 16_000, 1_000)
    assert check.farthest == pytest.approx(float(projection.abs().min()))
    with pytest.raises(
        hb.UsageError, match=r"^net: 1 of 16,000 bits of 1,000 items differ from the method's, .*more than"
    ):
        check_bits("net", with_flipped(order[0]), method, [batch], exact=True)
    for places in (order[-1:], order[:2]):  # one far from zero, and too many
        with pytest.raises(hb.UsageError, match="more than may be"):
            check_bits("net", with_flipped(*places), method, [batch], exact=False)


class Columns(HashMethod):
    """Its projections are its features."""

    traits = Traits(zero_is_one=True)

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        return self

    def project(self, batch: Tensor) -> Tensor:
        return batch.double()

    def encode(self, batch: Tensor) -> Tensor:
        return self.project(batch) >= 0


def test_bits_of_a_projection_that_is_0_but_for_rounding_may_differ_unless_it_is_linear() -> None:
    """As of a radius that is the distance of a training item: more of them than one in 10,000."""
    method, batch = Columns(16), torch.randn(1_000, 16, generator=torch.Generator().manual_seed(0))

    def opposite(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        return (rows >= 0) ^ (np.abs(rows) < 1e-4)

    batch[:4] = 1e-20
    check = check_bits("net", opposite, method, [batch], exact=False)
    assert check.differing == 64
    with pytest.raises(hb.UsageError, match="64 of 16,000 bits"):
        check_bits("net", opposite, method, [batch], exact=True)
    batch[:4] = 1e-6
    with pytest.raises(hb.UsageError, match="64 of 16,000 bits"):
        check_bits("net", opposite, method, [batch], exact=False)
