"""Threads for work that waits on files or on decoders: one pool per process, as wide as the cores it may use."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache


def usable_cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pool() -> ThreadPoolExecutor:
    """The process's own pool; a forked child makes another, since threads do not survive a fork."""
    return _pool_of(os.getpid())


@cache
def _pool_of(pid: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(usable_cores(), thread_name_prefix=f"hashbench-{pid}")
