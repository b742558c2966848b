"""What the shallow methods have in common."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

import hashbench as hb
from hashbench.estimator import Estimator
from hashbench.method import RunContext, TrainingSet
from hashbench.plugins.registry import METHODS

SHALLOW = [
    *("agh", "cbe", "dsh", "imh", "isohash", "itq", "kmh", "lsh", "pca_rr", "pcah", "sgh", "sklsh", "spectral"),
    "spherical",
]
QUICK: dict[str, dict[str, Any]] = {  # parameters of those that would take seconds
    "imh": {"base": 60},
    "sgh": {"bases": 100},
    "kmh": {"iterations": 2},
}
DETERMINISTIC = {"pcah", "spectral"}
DRAWS_FROM_LARGE_SETS = {"kmh"}
NOT_BY_A_SIGN = {"imh", "kmh", "sklsh"}
Pixels = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


def codes(name: str, x: npt.NDArray[np.float32], bits: int, seed: int = 0) -> npt.NDArray[np.bool_]:
    return fitted(name, x, bits, seed).encode(x)


def fitted(name: str, x: npt.NDArray[np.float32], bits: int, seed: int = 0) -> Estimator:
    return hb.hasher(name, bits=bits, seed=seed, device="cpu", **QUICK.get(name, {})).fit(x)


@pytest.fixture
def threads() -> Any:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def gaussian() -> npt.NDArray[np.float32]:
    """Float32 [3000, 40], with correlated columns."""
    rng = np.random.default_rng(0)
    return (rng.normal(size=(3_000, 40)) @ rng.normal(size=(40, 40)) + 3).astype(np.float32)


@pytest.mark.parametrize("name", SHALLOW)
def test_the_same_seed_gives_the_same_codes(name: str, digits_pixels: Pixels) -> None:
    first, again, other = (codes(name, digits_pixels[0], 32, seed) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert np.array_equal(first, other) == (name in DETERMINISTIC | DRAWS_FROM_LARGE_SETS)
    assert METHODS.get(name).traits.deterministic == (name in DETERMINISTIC)


@pytest.mark.parametrize("name", SHALLOW)
def test_draws_come_from_the_runs_generator(name: str, digits_pixels: Pixels) -> None:
    train, repeated = TrainingSet(torch.from_numpy(digits_pixels[0])), []
    for disturbance in range(2):
        torch.manual_seed(disturbance)
        method = METHODS.get(name)(16, **QUICK.get(name, {})).fit(
            train, RunContext(torch.device("cpu"), torch.Generator().manual_seed(3))
        )
        repeated.append(method.encode(train.features))
    assert torch.equal(*repeated)


@pytest.mark.parametrize("name", SHALLOW)
def test_one_thread_or_two_give_the_same_bits(name: str, gaussian: npt.NDArray[np.float32], threads: None) -> None:
    repeated = []
    for count in (1, 2):
        torch.set_num_threads(count)
        repeated.append(codes(name, gaussian, 32))
    assert (repeated[0] == repeated[1]).mean() >= 0.9999


@pytest.mark.parametrize("name", SHALLOW)
def test_the_code_of_an_item_does_not_depend_on_its_batch(name: str, gaussian: npt.NDArray[np.float32]) -> None:
    method = fitted(name, gaussian, 24)
    order = np.random.default_rng(1).permutation(len(gaussian))
    together = method.encode(gaussian)
    assert (method.encode(gaussian[order]) == together[order]).mean() >= 0.9999
    assert (np.concatenate([method.encode(row[None]) for row in gaussian[:50]]) == together[:50]).mean() >= 0.999


@pytest.mark.parametrize("name", SHALLOW)
def test_more_bits_than_the_rank_is_no_reason_to_refuse(name: str, digits_pixels: Pixels) -> None:
    train, query = digits_pixels  # 64 pixels, of which three are always 0
    if name == "imh":
        pytest.skip("60 base points embed in fewer dimensions")
    method = fitted(name, train, 64)
    assert method.encode(query).shape == (200, 64)
    if name == "pcah":
        assert method.encode(np.concatenate([train, query + 1]))[:, 61:].all(), "not constant"


@pytest.mark.parametrize("name", ["isohash", "itq", "pca_rr", "pcah"])
def test_more_bits_than_dimensions_are_incompatible(name: str, digits_pixels: Pixels) -> None:
    with pytest.raises(hb.Incompatible, match=r"65 bits .* 64 dimensions"):
        codes(name, digits_pixels[0], 65)


@pytest.mark.parametrize("name", ["agh", "dsh", "kmh", "lsh", "sklsh", "spectral", "spherical"])
def test_bits_may_exceed_the_dimensions(name: str, digits_pixels: Pixels) -> None:
    assert codes(name, digits_pixels[0], 100).shape == (1597, 100)


@pytest.mark.parametrize("name", SHALLOW)
def test_constant_features_give_constant_codes(name: str) -> None:
    constant = codes(name, np.full((64, 32), 0.1, dtype=np.float32), 16)
    assert (constant == constant[0]).all()
    assert name in NOT_BY_A_SIGN or constant.all(), "sgn(0) is +1"


@pytest.mark.parametrize("name", SHALLOW)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_features_are_a_clear_error(name: str, value: float, digits_pixels: Pixels) -> None:
    broken = digits_pixels[0].copy()
    broken[3, 5] = value
    with pytest.raises(ValueError, match=r"row 3 has NaN or infinite values"):
        codes(name, broken, 16)


@pytest.mark.parametrize("name", SHALLOW)
def test_64_samples_are_enough(name: str, gaussian: npt.NDArray[np.float32]) -> None:
    assert codes(name, gaussian[:64], 32).shape == (64, 32)


@pytest.mark.parametrize("name", SHALLOW)
def test_fewer_samples_than_bits_give_codes_or_the_reason(name: str, gaussian: npt.NDArray[np.float32]) -> None:
    if name in {"agh", "dsh", "imh", "sgh"}:
        with pytest.raises(hb.Incompatible, match=r"(32|31)"):
            codes(name, gaussian[:8], 32)
    else:
        assert codes(name, gaussian[:8], 32).shape == (8, 32)


@pytest.mark.parametrize("name", SHALLOW)
def test_inputs_are_left_as_they_were(name: str, digits_pixels: Pixels) -> None:
    x = digits_pixels[0].copy()
    codes(name, x, 16)
    assert np.array_equal(x, digits_pixels[0])


@pytest.mark.parametrize("name", SHALLOW)
def test_state_carries_everything_that_encoding_needs(name: str, digits_pixels: Pixels) -> None:
    train, query = digits_pixels
    method = fitted(name, train, 24)
    restored = METHODS.get(name)(24, **QUICK.get(name, {}))
    restored.load_state({key: value.clone() for key, value in method.fitted.state().items()})
    assert np.array_equal(restored.encode(torch.from_numpy(query)).numpy(), method.encode(query))


@pytest.mark.parametrize("name", SHALLOW)
def test_the_mean_is_that_of_the_training_set_only(name: str, digits_pixels: Pixels) -> None:
    train, query = digits_pixels
    method = fitted(name, train, 24)
    before = method.encode(query)
    method.encode(query + 1)
    assert np.array_equal(method.encode(query), before)
    np.testing.assert_allclose(method.fitted.state()["mean_"], train.astype(np.float64).mean(0), atol=1e-12)


def test_lsh_bits_agree_as_often_as_the_angle_says() -> None:
    degrees = np.radians([0, 20, 45, 90, 135, 180])
    x = np.stack([np.cos(degrees), np.sin(degrees)], 1).astype(np.float32)
    method = hb.hasher("lsh", bits=4_000, device="cpu").fit(np.concatenate([x, -x]))  # the mean is zero
    bits = method.encode(x)
    agreement = (bits == bits[0]).mean(1)
    np.testing.assert_allclose(agreement, 1 - degrees / np.pi, atol=0.03)  # four standard deviations


def test_lsh_without_centring_looks_at_angles_from_the_origin() -> None:
    degrees = np.radians([10, 30, 60, 80])
    lengths = np.arange(1, 5)[:, None]
    x = (lengths * np.stack([np.cos(degrees), np.sin(degrees)], 1)).astype(np.float32)
    method = hb.hasher("lsh", bits=4_000, device="cpu", centred=False).fit(x)
    bits = method.encode(x)
    np.testing.assert_allclose((bits == bits[0]).mean(1), 1 - (degrees - degrees[0]) / np.pi, atol=0.03)
    assert np.array_equal(method.encode(7 * x), bits), "a length changes nothing"
    shorter = method.fitted.first_bits(8)
    assert np.array_equal(shorter.encode(torch.from_numpy(x)), bits[:, :8])


def test_pcah_is_the_sign_of_scikit_learns_components(gaussian: npt.NDArray[np.float32]) -> None:
    from sklearn.decomposition import PCA

    ours = codes("pcah", gaussian, 16)
    pca = PCA(16, svd_solver="full").fit(gaussian.astype(np.float64))
    turned = pca.components_ * np.sign(pca.components_[np.arange(16), np.abs(pca.components_).argmax(1)])[:, None]
    expected = (gaussian - pca.mean_) @ turned.T >= 0
    assert (ours == expected).mean() >= 0.9999
