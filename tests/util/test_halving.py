"""Batches that do not fit."""

import pytest
import torch
from torch import Tensor

from hashbench.util.halving import Halving


def test_batches_are_halved_until_they_fit_and_it_is_said_once() -> None:
    sizes: list[int] = []
    lines: list[str] = []

    def double(batch: Tensor) -> Tensor:
        sizes.append(len(batch))
        if len(batch) > 5:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return 2 * batch

    halving = Halving("encoding", lines.append)
    for batch in (torch.arange(20), torch.arange(7)):
        assert torch.equal(torch.cat(halving(double, batch)), 2 * batch)
    assert sizes == [20, 10, 5, 5, 5, 5, 5, 2]
    assert lines == ["encoding: no memory on the device for 20 at a time, so it takes 5"]


def test_lists_are_halved_as_well_and_what_fits_is_left_whole() -> None:
    halving = Halving("extraction")
    images = [torch.zeros(1, 2, 3), torch.ones(1, 3, 2)]
    assert len(halving(lambda part: torch.tensor([image.sum() for image in part]), images)) == 1
    halving.most = 1
    assert [float(part) for part in halving(lambda part: part[0].sum(), images)] == [0, 6]


def test_a_batch_without_items_has_results_of_none() -> None:
    (result,) = Halving("encoding")(lambda part: part > 0, torch.zeros(0, 8))
    assert result.shape == (0, 8)


def test_a_single_item_that_does_not_fit_and_other_errors_are_raised() -> None:
    def fails(_part: Tensor) -> Tensor:
        raise error

    for error in (torch.OutOfMemoryError("CUDA out of memory"), ValueError("no")):
        with pytest.raises(type(error)):
            Halving("encoding")(fails, torch.arange(3))
