import numpy as np
import pytest
import torch

from hashbench.nets.bit_statistics import BitStatistics

CPU = torch.device("cpu")


def test_they_are_those_of_numpy(generator: torch.Generator) -> None:
    codes = torch.randn(300, 6, generator=generator)
    codes[:, 1] = codes[:, 0] + 0.5 * codes[:, 1]
    statistics = BitStatistics(300, 6, CPU)
    for rows in torch.randperm(300, generator=generator).split(70):  # type: ignore[no-untyped-call]
        statistics.add(rows, codes[rows])
    summary = {name: float(value) for name, value in statistics.summary().items()}
    signs = np.where(codes.numpy() >= 0, 1.0, -1.0)
    correlations = np.abs(np.corrcoef(signs.T))
    assert summary["imbalance"] == pytest.approx(np.abs(signs.mean(0)).mean(), abs=1e-6)
    assert summary["correlation"] == pytest.approx(correlations[~np.eye(6, dtype=bool)].mean(), abs=1e-5)
    assert summary["unique"] == pytest.approx(len(np.unique(signs, axis=0)) / 300)


def test_constant_bits_are_unbalanced_and_correlate_with_none() -> None:
    statistics = BitStatistics(4, 2, CPU)
    statistics.add(torch.arange(4), torch.tensor([[1.0, 1], [1, -1], [1, 1], [1, -1]]))
    summary = {name: float(value) for name, value in statistics.summary().items()}
    assert summary == {"imbalance": 0.5, "correlation": 0.0, "unique": 0.5}


def test_items_that_an_epoch_left_out_do_not_count() -> None:
    statistics = BitStatistics(10, 1, CPU)
    statistics.add(torch.tensor([3, 4]), torch.tensor([[1.0], [-1.0]]))
    assert float(statistics.summary()["unique"]) == 1
    statistics.add(torch.tensor([3, 4]), torch.tensor([[1.0], [1.0]]))
    assert float(statistics.summary()["imbalance"]) == 1
