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
        UsageError: no such executor, or it runs trials in this process, where none can be stopped or run beside others.
    """
    if name not in EXECUTORS:
        raise unknown("executor", name, EXECUTORS)
    if not EXECUTORS[name].isolates:
        _check_one_process(name, settings)
    return EXECUTORS[name]()


def _check_one_process(name: str, settings: Settings) -> None:
    if settings.timeout is not None:
        raise UsageError(f"--timeout is {settings.timeout:g} s, which --executor {name} cannot keep; use local")
    if settings.memory is not None:
        raise UsageError(f"--memory is given, which --executor {name} cannot keep; use local")
    if len(settings.slots) > 1 or settings.slots[0].gpu is not None:
        raise UsageError(f"--executor {name} runs one trial at a time, in this process; --jobs and --gpus need local")
