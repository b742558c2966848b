"""Facts about the environment."""

import numpy as np
import pytest
import torch

from hashbench.records.environment import CLEAR_REFS, peak_memory, start_peak_memory

CPU = torch.device("cpu")


@pytest.mark.skipif(not CLEAR_REFS.exists(), reason="this system does not let a process reset its peak")
def test_a_peak_is_counted_from_its_start() -> None:
    large = np.ones(40_000_000)
    before = peak_memory(CPU)["host_peak_bytes"]
    del large
    start_peak_memory(CPU)
    after = peak_memory(CPU)["host_peak_bytes"]
    assert before is not None
    assert after is not None
    assert before - after > 200_000_000


def test_a_gpu_is_initialised_before_its_peak_is_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    monkeypatch.setattr(torch.cuda, "init", lambda: calls.append("init"))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", calls.append)
    start_peak_memory(torch.device("cuda:1"))
    assert calls == ["init", torch.device("cuda:1")]
