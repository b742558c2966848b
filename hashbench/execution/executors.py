"""Executors by name."""

from hashbench.errors import unknown
from hashbench.execution.executor import Executor
from hashbench.execution.inline import InlineExecutor
from hashbench.execution.local import LocalExecutor

EXECUTORS: dict[str, type[Executor]] = {"local": LocalExecutor, "inline": InlineExecutor}


def executor(name: str) -> Executor:
    """The executor of that name.

    Raises:
        UsageError: no such executor.
    """
    if name not in EXECUTORS:
        raise unknown("executor", name, EXECUTORS)
    return EXECUTORS[name]()
