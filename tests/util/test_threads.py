"""How many threads a process takes."""

import torch
from threadpoolctl import threadpool_info

from hashbench.util.threads import limited_threads, pool, usable_cores


def blas_threads() -> set[int]:
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


def test_inside_all_take_as_many_threads_and_afterwards_as_before() -> None:
    before = torch.get_num_threads(), blas_threads(), pool()
    with limited_threads(3):
        assert torch.get_num_threads() == 3
        assert blas_threads() == {3}
        assert pool()._max_workers == 3
        with limited_threads(None):
            assert torch.get_num_threads() == 3
    assert (torch.get_num_threads(), blas_threads(), pool()) == before
    assert pool()._max_workers == usable_cores()
