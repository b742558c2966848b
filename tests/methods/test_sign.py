"""sign and rotated_sign: a bit for each dimension, as databases make them, and after a rotation."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import hashbench as hb
from hashbench.plugins.registry import DATASETS, METHODS
from tests.pictures import pictures

FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
Floats = npt.NDArray[np.float32]
vectors = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 40), st.integers(1, 20)), elements=st.floats(-9, 9, width=16)
)


def codes(name: str, x: Floats, bits: int | None = None, **parameters: Any) -> npt.NDArray[np.bool_]:
    return hb.hasher(name, bits=bits or x.shape[1], device="cpu", **parameters).fit(x).encode(x)


@settings(max_examples=30)
@given(vectors)
def test_the_sign_at_zero_is_more_than_zero(x: Floats) -> None:
    assert np.array_equal(codes("sign", x), x > 0)


@settings(max_examples=30)
@given(vectors)
def test_the_other_thresholds_are_numpys(x: Floats) -> None:
    double = x.astype(np.float64)
    assert np.array_equal(codes("sign", x, threshold="median"), double > np.median(double, axis=0))
    far = np.abs(double - double.mean(0)) > 1e-12
    assert np.array_equal(codes("sign", x, threshold="mean")[far], (double > double.mean(0))[far])


@settings(max_examples=30)
@given(vectors, st.sampled_from(["zero", "mean", "median"]), st.data())
def test_a_nested_code_is_the_beginning_of_the_full_one(x: Floats, threshold: str, data: st.DataObject) -> None:
    bits = data.draw(st.integers(1, x.shape[1]))
    nested = codes("sign", x, bits, threshold=threshold, nested=True)
    assert np.array_equal(nested, codes("sign", x, threshold=threshold)[:, :bits])


def test_medians_of_many_items_are_sorted_some_columns_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    sign: Any = sys.modules[METHODS.get("sign").__module__]
    monkeypatch.setattr(sign, "SORTED_NUMBERS", 25)
    x = torch.randn(10, 7, generator=torch.Generator().manual_seed(0))
    np.testing.assert_array_equal(sign.column_medians(x), np.median(x.double(), axis=0))


@pytest.mark.parametrize(
    ("name", "bits", "message"),
    [
        ("sign", 12, r"sign makes 16 bits of 16 dimensions, not 12 \(--bits full\); nested=true takes the first"),
        ("sign", 20, r"sign makes 16 bits of 16 dimensions, not 20 \(--bits full\)$"),
        ("rotated_sign", 12, r"rotated_sign makes 16 bits of 16 dimensions, not 12 \(--bits full\)$"),
        ("rotated_sign", 20, "not 20"),
    ],
)
def test_another_length_is_incompatible(name: str, bits: int, message: str) -> None:
    with pytest.raises(hb.Incompatible, match=message):
        codes(name, np.ones((8, 16), dtype=np.float32), bits)
    with pytest.raises(hb.Incompatible, match="not 20"):
        codes("sign", np.ones((8, 16), dtype=np.float32), 20, nested=True)


def test_the_rotation_is_orthogonal_and_drawn_by_the_seed() -> None:
    x = np.random.default_rng(0).normal(3, 1, (200, 24)).astype(np.float32)
    first, again, other = (hb.hasher("rotated_sign", 24, seed=seed, device="cpu").fit(x) for seed in (1, 1, 2))
    rotation = first.fitted.state()["rotation_"]
    torch.testing.assert_close(rotation @ rotation.T, torch.eye(24, dtype=torch.float64), rtol=0, atol=1e-12)
    assert np.array_equal(first.encode(x), again.encode(x))
    assert not np.array_equal(first.encode(x), other.encode(x))
    assert np.array_equal(first.encode(x), (x.astype(np.float64) - x.astype(np.float64).mean(0)) @ rotation.numpy() > 0)


def test_a_rotation_keeps_more_neighbours_where_few_dimensions_hold_the_variance() -> None:
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(300, 64)) * np.geomspace(8, 0.1, 64)).astype(np.float32)

    def kept(name: str) -> float:
        bits = codes("sign", x, threshold="mean") if name == "sign" else codes(name, x)
        nearest = hb.HammingIndex(bits).search(bits[:100], 11)[0]
        true = np.argsort(((x[:100, None] - x[None]) ** 2).sum(-1), axis=1)[:, :11]
        return float(np.mean([len(np.intersect1d(*pair)) for pair in zip(nearest, true, strict=True)]))

    assert kept("rotated_sign") > 1.5 * kept("sign")


@pytest.mark.slow
@pytest.mark.skipif(not FASHION_MNIST.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed")
def test_float_neighbours_of_fashion_mnist_are_kept_as_often_as_measured_elsewhere(tmp_path: Path) -> None:
    """Share of the ten nearest pictures (784 pixels, l2) inside the 10 m nearest codes, m = 1, 2, 3, 5."""
    import faiss

    kind = DATASETS.get("fashion_mnist")
    dataset = kind(tmp_path, kind.protocols[1])
    dataset.prepare(FASHION_MNIST, lambda _: None)
    split = dataset.split()
    query, base = (
        (pictures(dataset, items).flatten(1).float() / 255).numpy() for items in (split.query, split.database)
    )
    exact = faiss.IndexFlatL2(784)
    exact.add(base)
    neighbours = exact.search(query, 10)[1]

    def kept(name: str, **parameters: Any) -> list[float]:
        method = hb.hasher(name, bits=784, device="cpu", **parameters).fit(base)
        found = hb.HammingIndex(method.encode(base)).search(method.encode(query), 50)[0]
        return [float((neighbours[:, :, None] == found[:, None, : 10 * m]).any(2).mean()) for m in (1, 2, 3, 5)]

    assert kept("sign") == pytest.approx([0.180, 0.276, 0.341, 0.435], abs=0.005)
    assert kept("sign", threshold="mean") == pytest.approx([0.389, 0.550, 0.641, 0.741], abs=0.005)
    for seed in range(3):
        assert kept("rotated_sign", seed=seed) == pytest.approx([0.540, 0.739, 0.826, 0.900], abs=0.02)
