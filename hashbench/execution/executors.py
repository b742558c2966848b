"""Executors by name."""

from hashbench.errors import UsageError, unknown
from hashbench.execution.executor import Executor
from hashbench.execution.inline import InlineExecutor
from hashbench.execution.local import LocalExecutor
from hashbench.execution.settings import Settings

EXECUTORS: dict[str, type[Executor]] = {"local": LocalExecutor, "inline": InlineExecutor}


def executor(name: str, settings: Settings) -> Executor:
    """The executor of that name, which can keep the settings.

    Raises:
        UsageError: no such executor, or it cannot stop a trial at its time-out.
    """
    if name not in EXECUTORS:
        raise unknown("executor", name, EXECUTORS)
    if settings.timeout is not None and not EXECUTORS[name].keeps_timeout:
        raise UsageError(f"--timeout is {settings.timeout:g} s, which --executor {name} cannot keep; use local")
    return EXECUTORS[name]()
