"""ITQ's rotation: orthogonal, never worse from one iteration to the next, better than a random one."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

import hashbench as hb
from hashbench.estimator import Estimator
from hashbench.method import RunContext, TrainingSet
from hashbench.plugins.registry import METHODS
from hashbench.util.pca import principal_axes

Pixels = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
BITS = 32


def gong(v: npt.NDArray[np.float64], rotation: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], list[float]]:
    """ITQ.m of the authors, 50 iterations in numpy; also the objective at each."""
    objectives = []
    for _ in range(50):
        z = v @ rotation
        b = np.where(z >= 0, 1.0, -1.0)
        objectives.append(float(((b - z) ** 2).sum()))
        left, _, right = np.linalg.svd(b.T @ v)
        rotation = right.T @ left.T
    return rotation, objectives


@pytest.fixture(scope="module")
def fitted(digits_pixels: Pixels) -> Estimator:
    return hb.hasher("itq", bits=BITS, device="cpu").fit(digits_pixels[0])


def objectives(method: Estimator) -> npt.NDArray[np.float64]:
    return np.array([epoch["objective"] for epoch in method.epochs])


def test_the_objective_never_rises(fitted: Estimator) -> None:
    values = objectives(fitted)
    assert len(values) == 50
    assert (np.diff(values) <= 1e-9 * values[0]).all()
    assert values[-1] < 0.95 * values[0]


@pytest.mark.parametrize("seed", range(5))
def test_the_objective_never_rises_on_features_of_any_spectrum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=(400, 20)) * np.geomspace(1, 0.01 ** (seed / 2), 20)).astype(np.float32)
    values = objectives(hb.hasher("itq", bits=20, seed=seed, device="cpu").fit(x))
    assert (np.diff(values) <= 1e-9 * values[0]).all()


def test_rotation_and_objective_are_those_of_the_authors_code(digits_pixels: Pixels, fitted: Estimator) -> None:
    x = torch.from_numpy(digits_pixels[0])
    principal = principal_axes(x, BITS)
    start = hb.hasher("itq", bits=BITS, device="cpu", iterations=0).fit(x)  # the same draw, not improved
    first = (principal.axes.T @ start.fitted.state()["projection_"]).numpy()
    rotation, expected = gong(principal.project(x).numpy(), first)
    np.testing.assert_allclose(objectives(fitted), expected, rtol=1e-9)
    np.testing.assert_allclose(fitted.fitted.state()["projection_"], principal.axes.numpy() @ rotation, atol=1e-6)


def test_the_projection_is_orthonormal_and_spans_the_principal_axes(digits_pixels: Pixels, fitted: Estimator) -> None:
    projection = fitted.fitted.state()["projection_"]
    torch.testing.assert_close(projection.T @ projection, torch.eye(BITS, dtype=torch.float64), rtol=0, atol=1e-9)
    axes = principal_axes(torch.from_numpy(digits_pixels[0]), BITS).axes
    torch.testing.assert_close(axes @ (axes.T @ projection), projection, rtol=0, atol=1e-9)


def test_it_quantises_better_than_a_random_rotation(digits_pixels: Pixels, fitted: Estimator) -> None:
    v = principal_axes(torch.from_numpy(digits_pixels[0]), BITS).project(torch.from_numpy(digits_pixels[0])).numpy()
    rng = np.random.default_rng(0)
    for _ in range(20):
        z = v @ np.linalg.qr(rng.normal(size=(BITS, BITS)))[0]
        assert ((np.where(z >= 0, 1, -1) - z) ** 2).sum() > 1.03 * objectives(fitted)[-1]


def test_iterations_are_counted_in_the_progress(digits_pixels: Pixels) -> None:
    heard: list[tuple[int, int]] = []
    run = RunContext(
        torch.device("cpu"), torch.Generator(), progress=lambda done, total, _: heard.append((done, total))
    )
    itq: Any = METHODS.get("itq")
    itq(8, iterations=3).fit(TrainingSet(torch.from_numpy(digits_pixels[0])), run)
    assert heard == [(1, 3), (2, 3), (3, 3)]


def test_a_negative_number_of_iterations_is_refused() -> None:
    itq: Any = METHODS.get("itq")
    with pytest.raises(ValueError, match="iterations is -1, wanted 0 or more"):
        itq(8, iterations=-1)
