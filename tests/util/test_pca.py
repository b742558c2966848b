"""Principal axes against scikit-learn, and where rounding must not decide."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from hashbench.errors import Incompatible
from hashbench.util.pca import column_means, principal_axes


@pytest.fixture
def correlated() -> torch.Tensor:
    """Float32 [20000, 12], more rows than a block holds, with a mean far from zero."""
    rng = np.random.default_rng(0)
    return torch.from_numpy((rng.normal(size=(20_000, 12)) @ rng.normal(size=(12, 12)) + 100).astype(np.float32))


def test_axes_and_projections_are_those_of_scikit_learn(correlated: torch.Tensor) -> None:
    pca = principal_axes(correlated, 5)
    expected = PCA(5, svd_solver="full").fit(correlated.double().numpy())
    np.testing.assert_allclose(pca.mean, expected.mean_, rtol=1e-12)
    np.testing.assert_allclose(np.abs(np.diag(expected.components_ @ pca.axes.numpy())), 1, rtol=1e-9)
    projected = pca.project(correlated).numpy()
    np.testing.assert_allclose(np.abs(projected), np.abs(expected.transform(correlated.double().numpy())), atol=1e-7)


def test_the_largest_entry_of_an_axis_is_positive(correlated: torch.Tensor) -> None:
    for x in (correlated, -correlated):
        axes = principal_axes(x, 12).axes
        assert (axes.gather(0, axes.abs().argmax(0, keepdim=True)) > 0).all()


@pytest.mark.parametrize("seed", range(20))
def test_of_equal_entries_the_first_is_positive(seed: int) -> None:
    rng = np.random.default_rng(seed)
    direction = rng.choice([-1.0, 1.0], 7)
    line = torch.from_numpy((rng.normal(size=(500, 1)) * direction).astype(np.float32))
    assert np.sign(principal_axes(line, 1).axes[:, 0].numpy()).tolist() == (direction * direction[0]).tolist()


def test_directions_without_variance_project_to_exactly_zero(correlated: torch.Tensor) -> None:
    doubled = torch.cat([correlated, correlated * 3, torch.full((20_000, 1), 0.1)], 1)  # rank 12 of 25
    pca = principal_axes(doubled, 25)
    assert pca.axes.any(dim=0).sum() == 12
    assert pca.project(doubled)[:, 12:].abs().max() == 0
    assert pca.project(torch.rand(9, 25))[:, 12:].abs().max() == 0


@pytest.mark.parametrize("level", [0.0, 0.1, 1e6, -3.3e-7])
def test_constant_features_have_no_axis(level: float) -> None:
    constant = torch.full((30_001, 7), level)
    pca = principal_axes(constant, 7)
    assert torch.equal(column_means(constant), constant[0].double())
    assert pca.axes.abs().max() == 0


def test_more_axes_than_dimensions_are_refused(correlated: torch.Tensor) -> None:
    with pytest.raises(Incompatible, match="13 bits need as many principal axes, features of 12 dimensions have fewer"):
        principal_axes(correlated, 13)
