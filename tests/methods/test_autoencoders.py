import sys
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

import hashbench
from hashbench.plugins.registry import METHODS

NAMES = ("tanh_autoencoder", "ste_autoencoder", "stochastic_autoencoder", "bihalf_autoencoder")
Digits = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


def fitted(name: str, x: Any, bits: int = 16, **parameters: Any) -> Any:
    return hashbench.hasher(name, bits=bits, device="cpu", **{"epochs": 5, **parameters}).fit(x)


def restoration_error(train_codes: Any, train: Any, query_codes: Any, query: Any) -> float:
    """Share of the queries' variance that the best linear map from codes, learnt on the training set, leaves."""
    ones = [np.column_stack([codes * 2.0 - 1, np.ones(len(codes))]) for codes in (train_codes, query_codes)]
    weights = np.linalg.lstsq(ones[0], train, rcond=None)[0]
    return float(((ones[1] @ weights - query) ** 2).mean() / ((query - train.mean(0)) ** 2).mean())


@pytest.mark.parametrize("name", NAMES)
def test_codes_tell_more_of_unseen_digits_than_random_projections(name: str, digits_pixels: Digits) -> None:
    train, query = digits_pixels
    errors = {}
    for method in (name, "lsh"):
        model = hashbench.hasher(method, bits=32, device="cpu").fit(train)
        errors[method] = restoration_error(model.encode(train), train, model.encode(query), query)
    assert errors[name] < 0.9 * errors["lsh"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("hidden", [0, 12])
def test_losses_fall_and_are_reported_per_epoch(name: str, hidden: int, digits_pixels: Digits) -> None:
    epochs = fitted(name, digits_pixels[0], epochs=8, hidden=hidden).epochs
    assert [report["epoch"] for report in epochs] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert epochs[-1]["reconstruction"] < epochs[0]["reconstruction"]
    assert 0 <= epochs[-1]["imbalance"] <= 1


def test_tanh_objective_is_reconstruction_plus_the_quantisation_penalty() -> None:
    method = METHODS.get("tanh_autoencoder")(3, penalty=0.5)  # type: ignore[call-arg]
    z = torch.tensor([[0.0, 2.0, -0.3]])
    x = torch.tensor([[1.0, -1.0, 0.5]])
    losses = method.objective(nn.Identity(), x, z)  # type: ignore[attr-defined]
    h = np.tanh([0.0, 2.0, -0.3])
    assert float(losses["reconstruction"]) == pytest.approx(np.mean((h - [1, -1, 0.5]) ** 2))
    assert float(losses["quantisation"]) == pytest.approx(0.5 * np.mean((h - [1, 1, -1]) ** 2))


def test_straight_through_decoder_sees_codes_and_z_gets_the_gradient_as_it_is() -> None:
    method = METHODS.get("ste_autoencoder")(3)
    z = torch.tensor([[0.0, 2.0, -0.3]], requires_grad=True)
    x = torch.tensor([[1.0, -1.0, 0.5]])
    loss = method.objective(nn.Identity(), x, z)["reconstruction"]  # type: ignore[attr-defined]
    torch.autograd.backward(loss)
    assert loss.item() == pytest.approx((0 + 4 + 1.5**2) / 3)
    assert z.grad is not None
    assert torch.allclose(z.grad, 2 / 3 * torch.tensor([[0.0, 2.0, -1.5]]))


def test_stochastic_bits_are_drawn_with_the_probability_of_the_sigmoid(generator: torch.Generator) -> None:
    drawn_bits = sys.modules[METHODS.get("stochastic_autoencoder").__module__].drawn_bits
    z = torch.tensor([[-2.0, 0.0, 1.0]]).repeat(20_000, 1).requires_grad_()
    bits = drawn_bits(z, torch.rand(z.shape, generator=generator))
    assert set(bits.unique().tolist()) == {-1.0, 1.0}
    probability = 1 / (1 + np.exp([2.0, 0.0, -1.0]))
    np.testing.assert_allclose((bits > 0).float().mean(0).numpy(), probability, atol=0.015)
    torch.autograd.backward(bits.sum())
    assert z.grad is not None
    np.testing.assert_allclose(z.grad[0].numpy(), 2 * probability * (1 - probability), rtol=1e-5)


def test_bihalf_codes_are_the_nearest_of_all_balanced_ones(generator: torch.Generator) -> None:
    bihalf = sys.modules[METHODS.get("bihalf_autoencoder").__module__].bihalf
    z = torch.randn(6, 4, generator=generator) + 1
    codes = bihalf(z, 1.0)
    assert not codes.sum(0).any()
    halves = torch.tensor(
        [[1.0 if item in upper else -1.0 for item in range(6)] for upper in combinations(range(6), 3)]
    )
    nearest = (z[None] - halves[..., None]).square().sum(1).argmin(0)  # of each bit
    assert torch.equal(codes, halves[nearest].T)
    assert bihalf(torch.arange(5.0)[:, None], 1.0)[:, 0].tolist() == [-1, -1, 1, 1, 1]


def test_bihalf_gradient_has_a_pull_towards_the_half() -> None:
    bihalf = sys.modules[METHODS.get("bihalf_autoencoder").__module__].bihalf
    z = torch.tensor([[3.0, 0.5], [1.0, -0.5]], requires_grad=True)
    weights = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    torch.autograd.backward((bihalf(z, 0.8) * weights).sum())
    assert z.grad is not None
    torch.testing.assert_close(z.grad, weights + 0.8 * torch.tensor([[2.0, -0.5], [2.0, 0.5]]) / 4)


def test_bihalf_training_balances_bits_of_skew_features() -> None:
    x = (np.random.default_rng(0).exponential(size=(600, 12)) ** 2).astype(np.float32)
    imbalance = {}
    settings: dict[str, dict[str, Any]] = {"ste_autoencoder": {}, "bihalf_autoencoder": {"gamma": 6.0}}
    for name, given in settings.items():
        codes = fitted(name, x, epochs=20, batch=64, **given).encode(x)
        imbalance[name] = np.abs(codes.mean(0) - 0.5).mean()
    assert imbalance["bihalf_autoencoder"] < 0.75 * imbalance["ste_autoencoder"]


@pytest.mark.parametrize("name", NAMES)
def test_inputs_are_standardised_so_that_their_unit_does_not_matter(name: str, digits_pixels: Digits) -> None:
    x = digits_pixels[0][:300]
    first, second = (fitted(name, scaled).encode(scaled) for scaled in (x, x * 64 + 32))
    assert (first != second).mean() < 0.01


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_codes_and_the_global_generators_are_left_alone(name: str, digits_pixels: Digits) -> None:
    x = digits_pixels[0][:200]
    before = torch.random.get_rng_state()
    first = fitted(name, x).encode(x)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(99)
    assert np.array_equal(fitted(name, x).encode(x), first)


@pytest.mark.parametrize("name", NAMES)
def test_code_of_an_item_does_not_depend_on_its_batch(name: str, digits_pixels: Digits) -> None:
    x = digits_pixels[0][:200]
    model = fitted(name, x, bits=64)
    assert (np.concatenate([model.encode(row) for row in np.split(x, 200)]) != model.encode(x)).mean() <= 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_state_restores_the_codes_without_training(name: str, digits_pixels: Digits) -> None:
    x = digits_pixels[0][:200]
    model = fitted(name, x, hidden=7)
    layers = (
        f"{half}.{layer}.{kind}" for half in ("encoder", "decoder") for layer in (0, 2) for kind in ("weight", "bias")
    )
    assert set(model.fitted.state()) == {"mean", "scale", *layers}
    again = METHODS.get(name)(16, hidden=7)  # type: ignore[call-arg]
    again.load_state({key: tensor.clone() for key, tensor in model.fitted.state().items()})
    assert np.array_equal(again.encode(torch.from_numpy(x)).numpy(), model.encode(x))


@pytest.mark.parametrize("name", NAMES)
def test_constant_features_and_few_items_give_codes(name: str) -> None:
    assert fitted(name, np.ones((64, 5), dtype=np.float32)).encode(np.ones((3, 5), dtype=np.float32)).shape == (3, 16)
    assert fitted(name, np.eye(2, dtype=np.float32)).encode(np.eye(2, dtype=np.float32)).shape == (2, 16)


@pytest.mark.parametrize("name", NAMES)
def test_features_that_are_no_numbers_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="NaN"):
        fitted(name, np.full((64, 5), np.nan, dtype=np.float32))


@pytest.mark.parametrize("parameter", ["epochs", "batch", "rate"])
@pytest.mark.parametrize("name", NAMES)
def test_parameters_out_of_range_are_named(name: str, parameter: str) -> None:
    with pytest.raises(ValueError, match=f"{parameter} is 0"):
        METHODS.get(name)(8, **{parameter: 0})


def test_a_negative_gamma_is_refused() -> None:
    with pytest.raises(ValueError, match="gamma is -1"):
        METHODS.get("bihalf_autoencoder")(8, gamma=-1)  # type: ignore[call-arg]


def test_a_negative_penalty_is_refused() -> None:
    with pytest.raises(ValueError, match="penalty is -1"):
        METHODS.get("tanh_autoencoder")(8, penalty=-1)  # type: ignore[call-arg]
