"""The autoencoders' training by hand: gradients and Adam written out in numpy, same start, batches and draws."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from hashbench.method import HashMethod, RunContext, TrainingSet
from hashbench.plugins.registry import METHODS
from tests.methods.plain import Array, Draws, draws, signs

SEED, BITS, EPOCHS, RATE = 3, 6, 5, 0.01


def trained(name: str, x: npt.NDArray[np.float32], rate: float) -> dict[str, Array]:
    """The network's arrays after training; a rate of next to nothing gives its start."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        kind: Any = METHODS.get(name)
        method: HashMethod = kind(BITS, epochs=EPOCHS, rate=rate)
        method.fit(TrainingSet(torch.from_numpy(x)), RunContext(torch.device("cpu"), draws(SEED).generator))
    return {part: value.double().numpy() for part, value in method.state().items()}


def codes(name: str, z: Array, generator: Draws) -> Array:
    """What the decoder sees of z."""
    if name == "ste_autoencoder":
        return signs(z)
    if name == "tanh_autoencoder":
        return np.tanh(z)
    if name == "bihalf_autoencoder":
        places = np.argsort(np.argsort(-z, axis=0), axis=0)
        return np.where(places < (len(z) + 1) // 2, 1.0, -1.0)
    return np.where(generator.uniform(*z.shape) < 1 / (1 + np.exp(-z)), 1.0, -1.0)


def passed_back(name: str, z: Array, seen: Array, gradient: Array) -> Array:
    """The gradient of what the decoder sees, as it reaches z."""
    if name == "ste_autoencoder":
        return gradient
    if name == "tanh_autoencoder":
        return (gradient + 2 * (seen - signs(seen)) / z.size) * (1 - seen**2)
    if name == "bihalf_autoencoder":
        return gradient + (z - seen) / z.size
    probability = 1 / (1 + np.exp(-z))
    return gradient * 2 * probability * (1 - probability)


def gradients(name: str, weights: list[Array], x: Array, generator: Draws) -> list[Array]:
    """Of the mean squared error and the penalty, by the chain rule."""
    into, shift, back, offset = weights
    z = x @ into.T + shift
    seen = codes(name, z, generator)
    error = 2 * (seen @ back.T + offset - x) / x.size
    of_z = passed_back(name, z, seen, error @ back)
    return [of_z.T @ x, of_z.sum(0), error.T @ seen, error.sum(0)]


@pytest.mark.parametrize(
    "name", ["bihalf_autoencoder", "ste_autoencoder", "stochastic_autoencoder", "tanh_autoencoder"]
)
def test_training_is_adam_on_the_written_out_gradients(name: str) -> None:
    """With weight decay 1e-5, 100 items a batch; the rate falls after three and after four of five epochs."""
    x = (np.random.default_rng(0).normal(size=(400, 9)) * np.arange(1, 10) + 2).astype(np.float32)
    start, made = trained(name, x, 1e-30), trained(name, x, RATE)
    centred = x - x.mean(0, dtype=float)
    rows = centred / np.sqrt((centred**2).mean())
    names = [f"{half}.0.{kind}" for half in ("encoder", "decoder") for kind in ("weight", "bias")]
    weights = [start[part] for part in names]
    means, squares = ([np.zeros_like(part) for part in weights] for _ in range(2))
    generator, steps = draws(SEED), 0
    for epoch in range(EPOCHS):
        rate = RATE * 0.1 ** ((epoch >= 3) + (epoch >= 4))
        for chosen in np.array_split(np.array(generator.order(len(x))), 4):
            steps += 1
            for i, gradient in enumerate(gradients(name, weights, rows[chosen], generator)):
                decayed = gradient + 1e-5 * weights[i]
                means[i] = 0.9 * means[i] + 0.1 * decayed
                squares[i] = 0.999 * squares[i] + 0.001 * decayed**2
                step = means[i] / (1 - 0.9**steps) / (np.sqrt(squares[i] / (1 - 0.999**steps)) + 1e-8)
                weights[i] = weights[i] - rate * step
    for part, expected in zip(names, weights, strict=True):
        assert np.abs(made[part] - start[part]).max() > 0.05
        np.testing.assert_allclose(made[part], expected, atol=1e-4)
