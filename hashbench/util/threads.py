"""Threads: how many a process takes, and its pool for reading and decoding files."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

from threadpoolctl import threadpool_limits

SLACK = 0.3  # cores: what a system at rest does by itself

_limit: int | None = None


def usable_cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def crowded(other_cores: float | None, threads: int, cores: int) -> bool:
    """Whether other programs, which kept so many cores busy, and as many threads of ours want more than there are."""
    return other_cores is not None and other_cores + threads > cores + SLACK


@contextmanager
def limited_threads(threads: int | None) -> Iterator[None]:
    """Inside, torch, BLAS, our kernels (which follow torch) and the pool take as many threads; None changes nothing."""
    global _limit
    if threads is None:
        yield
        return
    import torch

    before, _limit, torchs = _limit, threads, torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(torchs)
        _limit = before


def pool() -> ThreadPoolExecutor:
    """The process's own pool; a forked child gets a new one, since threads do not survive a fork."""
    return _pool_of(os.getpid(), _limit or usable_cores())


@cache
def _pool_of(pid: int, threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix=f"hashbench-{pid}")
