"""``hb.hasher``: arrays in, arrays out."""

from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import hashbench as hb
from hashbench.method import RunContext, TrainingSet
from hashbench.plugins.registry import METHODS

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
    with pytest.raises(ValueError, match=r"itq: got torch.float32 \[80\], wanted float features \[n, d\]"):
        hb.hasher("itq", bits=8).fit(X[:, 0])
    with pytest.raises(
        ValueError, match=r"bgan: got torch.float32 \[80, 16\], wanted uint8 images \[n, 1 or 3, h, w\]"
    ):
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
    with pytest.raises(ValueError, match="'features': 40, 'images': 80} items, wanted the same number of each"):
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


def test_public_names_load_on_first_use_and_no_module_hides_one() -> None:
    import hashbench.method

    assert isinstance(hashbench.method, ModuleType)
    assert all(callable(getattr(hb, name)) for name in dir(hb) if name != "__version__")
    assert {"evaluate", "HammingIndex", "hasher", "run", "results"} <= set(dir(hb))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(hb, "nothing")  # noqa: B009 - a type checker knows that it is not there
