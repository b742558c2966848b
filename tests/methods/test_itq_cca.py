"""ITQ-CCA: its directions, what they are scaled by, and its rotation, which is ITQ's."""

import numpy as np
import pytest
import scipy.linalg
import torch

from hashbench.conformance.items import digits
from hashbench.method import RunContext, TrainingSet
from hashbench.plugins.registry import METHODS
from hashbench.shallow.cca import canonical_directions
from hashbench.shallow.quantisation import quantising_rotation
from hashbench.shallow.rotation import random_rotation

ITEMS = digits(400)


def test_directions_solve_the_generalised_eigenproblem() -> None:
    labels = ITEMS.labels.clone()
    labels[::3, 4] = True  # some items have two
    found = canonical_directions(ITEMS.features, labels, 1e-2)
    x, y = (part.double().numpy() for part in (ITEMS.features, labels))
    count = x.shape[1]
    covariance = np.cov(np.hstack([x, y]), rowvar=False, ddof=0)
    within = covariance[:count, :count] + 1e-2 * np.eye(count)
    among = covariance[count:, count:] + 1e-2 * np.eye(y.shape[1])
    across = covariance[:count, count:]
    values, vectors = scipy.linalg.eigh(across @ np.linalg.solve(among, across.T), within)
    np.testing.assert_allclose(found.correlations.square(), values[::-1][: y.shape[1]], atol=1e-10)
    made, wanted = found.directions.numpy(), vectors[:, ::-1][:, : y.shape[1]]
    np.testing.assert_allclose(np.abs(np.diag(made.T @ within @ wanted)), 1, atol=1e-8)


def test_one_label_each_leaves_a_direction_less_than_classes_and_bits_beyond_are_zeros_before_the_rotation() -> None:
    found = canonical_directions(ITEMS.features, ITEMS.labels, 1e-4)
    assert (found.correlations > 0).tolist() == [True] * 9 + [False]
    assert (found.directions[:, 9] == 0).all()
    method = METHODS.get("itq_cca")(24)
    method.fit(
        TrainingSet(ITEMS.features, given_labels=ITEMS.labels), RunContext(torch.device("cpu"), torch.Generator())
    )
    scales = torch.linalg.svdvals(method.state()["projection_"])
    assert (scales[9:] < 1e-12).all()
    wanted = torch.linalg.svdvals(found.directions * found.correlations)[:9]
    torch.testing.assert_close(scales[:9], wanted)


def test_the_rotation_is_itqs() -> None:
    """The same in two places, since a method imports no other; itq's results are published."""
    own = __import__(METHODS.get("itq").__module__, fromlist=["quantising_rotation"]).quantising_rotation
    v = torch.randn(60, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    start = random_rotation(8, torch.Generator().manual_seed(2))
    for one, other in zip(quantising_rotation(v, start, 20), own(v, start, 20), strict=True):
        assert torch.equal(one, other)


def test_the_objective_never_rises() -> None:
    run = RunContext(torch.device("cpu"), torch.Generator().manual_seed(3))
    METHODS.get("itq_cca")(16).fit(TrainingSet(ITEMS.features, given_labels=ITEMS.labels), run)
    objectives = torch.tensor([epoch["objective"] for epoch in run.epochs])
    assert len(objectives) == 50
    assert (objectives.diff() <= 1e-9 * objectives[0]).all()
    assert objectives[-1] < 0.99 * objectives[0]


def test_a_bit_of_two_classes_is_the_class() -> None:
    two = ITEMS.labels[:, :2]
    few = two.any(1)
    method = METHODS.get("itq_cca")(1)
    run = RunContext(torch.device("cpu"), torch.Generator())
    bit = method.fit(TrainingSet(ITEMS.features[few], given_labels=two[few]), run).encode(ITEMS.features[few])[:, 0]
    assert (bit == two[few, int(bit[0] == two[few][0, 1])]).float().mean() > 0.98


def test_parameters_out_of_range_are_refused() -> None:
    for wrong in ({"regularisation": -1.0}, {"regularisation": float("nan")}, {"iterations": -1}):
        with pytest.raises(ValueError, match=f"itq_cca: {next(iter(wrong))} is .*, wanted"):
            METHODS.get("itq_cca")(8, **wrong)
