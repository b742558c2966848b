"""``hb.hasher``: arrays in, arrays out."""

from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch

import hashbench as hb
from hashbench.data.images import resize, three_channels
from hashbench.execution import array_inputs
from hashbench.execution.array_inputs import ArrayFeatures, ArrayImages
from hashbench.method import RunContext, TrainingSet
from hashbench.plugins.registry import METHODS
from hashbench.util.device import uploaded
from tests.evaluation.peak_memory import watched

CPU = torch.device("cpu")

X = np.random.default_rng(0).normal(size=(80, 16)).astype(np.float32)


def test_arrays_and_tensors_give_the_same_codes_of_the_right_shape() -> None:
    codes = hb.hasher("itq", bits=8).fit(X).encode(X)
    assert codes.dtype == np.bool_
    assert codes.shape == (80, 8)
    assert np.array_equal(codes, hb.hasher("itq", bits=8).fit(torch.from_numpy(X)).encode(torch.from_numpy(X)))


def test_the_seed_decides() -> None:
    first, again, other = (hb.hasher("lsh", bits=16, seed=seed).fit(X).encode(X) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_hyper_parameters_are_checked() -> None:
    with pytest.raises(hb.UsageError, match="no parameter of itq named 'iters'; did you mean 'iterations'"):
        hb.hasher("itq", bits=8, iters=3)
    with pytest.raises(hb.UsageError, match="no method named 'iqt'"):
        hb.hasher("iqt", bits=8)


def test_more_bits_than_the_method_can_make_are_refused_with_a_reason() -> None:
    with pytest.raises(hb.Incompatible, match="32 bits"):
        hb.hasher("itq", bits=32).fit(X)


def test_input_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"itq: got float32 \[80\], wanted float features \[n, d\]"):
        hb.hasher("itq", bits=8).fit(X[:, 0])
    with pytest.raises(ValueError, match=r"bgan: got float32 \[80, 16\], wanted uint8 images \[n, 1 or 3, h, w\]"):
        hb.hasher("bgan", bits=8).fit(X)


def test_input_is_not_changed_whatever_the_method_does(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(self: Any, train: TrainingSet, run: RunContext) -> Any:
        train.features.zero_()
        return self

    monkeypatch.setattr(METHODS.get("itq"), "fit", spoil)
    before = X.copy()
    hb.hasher("itq", bits=8).fit(X)
    assert np.array_equal(before, X)


def test_a_teacher_of_other_items_is_refused() -> None:
    images = np.zeros((80, 1, 8, 8), dtype=np.uint8)
    with pytest.raises(ValueError, match=r"^training set: 40 features, 80 images, wanted as many of each"):
        hb.hasher("bgan", bits=8).fit(images, features=X[:40])


def test_encoding_too_early_or_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="itq has learnt nothing yet: call fit before encode"):
        hb.hasher("itq", bits=8).encode(X)
    with pytest.raises(ValueError, match="itq: got 9 features, wanted the 16 of fit"):
        hb.hasher("itq", bits=8).fit(X).encode(X[:, :9])
    with pytest.raises(ValueError, match="itq is unsupervised: fit takes no labels"):
        hb.hasher("itq", bits=8).fit(X, labels=np.zeros(80, dtype=np.int64))


@pytest.mark.parametrize("bits", [0, -3, 8.0, "8", 5000, True])
def test_bits_are_a_whole_number_in_range(bits: Any) -> None:
    with pytest.raises(hb.UsageError, match=f"bits is {bits!r}, wanted a whole number from 1 to 4096"):
        hb.hasher("itq", bits=bits)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_numbers_that_are_not_finite_are_refused_alike(value: float) -> None:
    """1e39 is infinite in float32, which methods compute in."""
    broken = X.astype(np.float64)
    broken[57, 3] = value
    fitted = hb.hasher("itq", bits=8).fit(X)
    for call in (fitted.encode, hb.hasher("itq", bits=8).fit):
        with pytest.raises(ValueError, match=r"^itq: row 57 has NaN or infinite values, wanted finite numbers"):
            call(broken)
    images = np.zeros((80, 1, 8, 8), dtype=np.uint8)
    with pytest.raises(ValueError, match=r"^bgan, features: row 57 has NaN or infinite values"):
        hb.hasher("bgan", bits=8).fit(images, features=broken)


def test_a_row_is_found_in_its_batch() -> None:
    fitted = hb.hasher("itq", bits=8).fit(X)
    many = np.tile(X, (20, 1))
    many[1234] = np.nan
    with pytest.raises(ValueError, match="row 1234 has"):
        fitted.encode(many)


def test_tensors_with_a_gradient_or_in_bfloat16_are_arrays() -> None:
    wanted = hb.hasher("itq", bits=8).fit(X).encode(X)
    learnt = torch.from_numpy(X).clone().requires_grad_()
    assert np.array_equal(hb.hasher("itq", bits=8).fit(learnt).encode(learnt * 1), wanted)
    half = torch.from_numpy(X).bfloat16()
    codes = hb.hasher("itq", bits=8).fit(half).encode(half.requires_grad_())
    assert np.array_equal(codes, hb.hasher("itq", bits=8).fit(half.float().detach()).encode(half.float()))


@pytest.mark.parametrize("dtype", [">f4", "f2", "f8", "g", "i4", "u2"])
def test_numbers_of_any_type_are_converted(dtype: str) -> None:
    values = (10 * X).astype(np.int64).clip(0).astype(dtype)
    codes = hb.hasher("lsh", bits=8).fit(values).encode(values)
    plain = values.astype(np.float32)
    assert np.array_equal(codes, hb.hasher("lsh", bits=8).fit(plain).encode(plain))


@pytest.mark.parametrize("values", [X > 0, X.astype(str), X.astype(complex), X.astype(object)], ids=str)
def test_values_that_are_no_numbers_are_refused(values: Any) -> None:
    with pytest.raises(ValueError, match=r"itq: got .* \[80, 16\], wanted float features \[n, d\]"):
        hb.hasher("itq", bits=8).fit(values)


def test_packed_codes_are_those_that_an_index_takes() -> None:
    fitted = hb.hasher("itq", bits=11).fit(X)
    codes, packed = fitted.encode(X), fitted.encode(X, packed=True)
    assert packed.dtype == np.uint8
    assert np.array_equal(packed, np.packbits(codes, axis=1))
    found = hb.HammingIndex(packed, "cpu", bits=11).search(packed, 3)
    wanted = hb.HammingIndex(codes, "cpu").search(codes, 3)
    assert np.array_equal(found[0], wanted[0])
    assert np.array_equal(found[1], wanted[1])


@pytest.mark.filterwarnings("error")
def test_memory_mapped_arrays_draw_no_warning(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (80, 1, 8, 8), dtype=np.uint8)
    mapped = []
    for name, array in (("x", X), ("images", images), ("codes", X > 0), ("labels", np.arange(80) % 3)):
        np.save(tmp_path / f"{name}.npy", array)
        mapped.append(np.load(tmp_path / f"{name}.npy", mmap_mode="r"))
    x, pictures, codes, labels = mapped
    assert np.array_equal(hb.hasher("itq", bits=8).fit(x).encode(x), hb.hasher("itq", bits=8).fit(X).encode(X))
    hasher = hb.hasher("bgan", bits=8, device="cpu", epochs=1).fit(pictures, features=x)
    assert hasher.encode(pictures).shape == (80, 8)
    hb.evaluate(codes, codes, labels, labels, device="cpu")
    hb.HammingIndex(codes, "cpu").search(codes, 3)
    packed = np.packbits(codes, axis=1)
    packed.flags.writeable = False
    hb.HammingIndex(packed, "cpu", bits=16).search(packed, 3)


def test_images_are_resized_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """In chunks of a few, from arrays and tensors, whatever is read: batches in order, or rows in any."""
    images = np.random.default_rng(0).integers(0, 256, (23, 1, 9, 12), dtype=np.uint8)
    wanted = three_channels(resize(torch.from_numpy(images), 7))
    monkeypatch.setattr(array_inputs, "CHUNK_NUMBERS", 5 * 3 * 49)
    for values in (images, torch.from_numpy(images)):
        source = ArrayImages("x", values, 7)
        assert torch.equal(torch.cat(list(source.batches(8, CPU))), wanted)
        rows = torch.tensor([3, 22, 0, 3])
        assert torch.equal(source[rows], wanted[rows])
        held = source.for_training(CPU)
        assert isinstance(held, torch.Tensor)
        assert torch.equal(held, wanted)
        assert torch.equal(source.pixels(CPU), torch.from_numpy(images).flatten(1).float() / 255)
        monkeypatch.setattr(array_inputs, "MAX_CACHED_IMAGE_BYTES", 23 * 3 * 49 - 1)
        assert source.for_training(CPU) is source
        monkeypatch.setattr(array_inputs, "MAX_CACHED_IMAGE_BYTES", 23 * 3 * 49)


def test_arrays_go_to_the_device_as_batches_of_images_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """From pinned memory to a GPU."""
    sent: list[int] = []

    def counted(batch: torch.Tensor, device: torch.device) -> torch.Tensor:
        sent.append(len(batch))
        return uploaded(batch, device)

    monkeypatch.setattr(array_inputs, "uploaded", counted)
    monkeypatch.setattr(array_inputs, "CHUNK_NUMBERS", 5 * 3 * 49)
    images = ArrayImages("x", np.zeros((11, 3, 7, 7), dtype=np.uint8), 7)
    list(images.batches(6, CPU))
    assert sent == [5, 1, 5]
    images[torch.arange(7)]
    assert sent[3:] == [5, 2]
    images.pixels(CPU)
    assert sent[5:] == [5, 5, 1]
    list(ArrayFeatures("x", np.zeros((5, 2))).batches(3, CPU))
    assert sent[8:] == [3, 2]


def test_images_too_many_to_hold_are_read_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training that resizes on access is the training on resized images."""
    images = np.random.default_rng(0).integers(0, 256, (60, 3, 10, 10), dtype=np.uint8)
    held = hb.hasher("bgan", bits=8, device="cpu", epochs=1).fit(images).encode(images)
    monkeypatch.setattr(array_inputs, "MAX_CACHED_IMAGE_BYTES", 1)
    assert np.array_equal(hb.hasher("bgan", bits=8, device="cpu", epochs=1).fit(images).encode(images), held)


def test_encoding_holds_a_batch_of_images_at_a_time() -> None:
    """3,000 images of 64 px would be 147 MB in float32, resized or not."""
    images = np.zeros((3000, 3, 64, 64), dtype=np.uint8)
    fitted = hb.hasher("bgan", bits=8, device="cpu", epochs=1).fit(images[:40], features=X[:40])
    with watched() as peak:
        fitted.encode(images)
    assert peak.tensor < 40_000_000
    assert peak.arrays < 40_000_000
    stop = RuntimeError("enough")
    fitted.fitted.fit = Mock(side_effect=stop)  # type: ignore[method-assign]
    with watched() as peak, pytest.raises(RuntimeError, match="enough"):
        fitted.fit(images, features=np.tile(X, (40, 1))[:3000])
    assert peak.tensor < 40_000_000
    assert peak.arrays < 40_000_000


def test_nothing_is_encoded_to_no_codes() -> None:
    fitted = hb.hasher("itq", bits=8).fit(X)
    assert fitted.encode(X[:0]).shape == (0, 8)
    assert fitted.encode(X[:0], packed=True).shape == (0, 1)


def test_public_names_load_on_first_use_and_no_module_hides_one() -> None:
    import hashbench.method

    assert isinstance(hashbench.method, ModuleType)
    assert all(callable(getattr(hb, name)) for name in dir(hb) if name != "__version__")
    assert {"evaluate", "HammingIndex", "hasher", "run", "results"} <= set(dir(hb))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(hb, "nothing")  # noqa: B009 - a type checker knows that it is not there


def test_a_masked_array_does_not_lose_its_mask() -> None:
    masked = np.ma.masked_array(X, mask=X > 2)
    fitted = hb.hasher("itq", bits=8).fit(np.ma.masked_array(X, mask=False))
    for use in (hb.hasher("itq", bits=8).fit, fitted.encode):
        with pytest.raises(hb.UsageError, match=r"\d+ values are masked, wanted all; fill them"):
            use(masked)
