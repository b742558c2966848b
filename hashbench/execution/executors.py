"""Executors by name: those that ship, and those of installed wheels, each imported when it is asked for."""

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from hashbench.errors import UsageError, in_words, unknown
from hashbench.execution.executor import Executor
from hashbench.execution.settings import Settings

GROUP = "hashbench.executors"
SHIPPED = {
    "local": "hashbench.execution.local:LocalExecutor",
    "inline": "hashbench.execution.inline:InlineExecutor",
    "ray": "hashbench.execution.cluster.executor:RayExecutor",
}


def executor(name: str, settings: Settings) -> Executor:
    """The executor of that name, which can keep the settings.

    Raises:
        UsageError: no such executor, or it does not import; what it needs is not installed; or it cannot keep the
            settings: it runs trials in this process, say, where none can be stopped or run beside others.
    """
    found = _entry(name)
    kind = _loaded(found)
    if not kind.isolates:
        _check_one_process(name, settings)
    if settings.address is not None and not kind.takes_address:
        raise UsageError(f"address is {settings.address!r}, and --executor {name} takes none; leave it out, or use ray")
    chosen = kind()
    chosen.check(settings)
    return chosen


def _entry(name: str) -> EntryPoint:
    entries = [EntryPoint(known, value, GROUP) for known, value in SHIPPED.items()]
    entries += entry_points(group=GROUP)
    found = {entry.value: entry for entry in entries if entry.name == name}
    if not found:
        raise unknown("executor", name, {entry.name for entry in entries})
    if len(found) > 1:
        raise UsageError(f"executor {name!r} is there more than once: {', '.join(sorted(found))}; rename one")
    return next(iter(found.values()))


def _loaded(entry: EntryPoint) -> type[Executor]:
    try:
        kind: Any = entry.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit as well
        raise UsageError(f"executor {entry.name!r} ({entry.value}) does not import: {in_words(error)}") from error
    if not (isinstance(kind, type) and issubclass(kind, Executor)):
        raise UsageError(f"executor {entry.name!r} ({entry.value}) is no subclass of {Executor.__name__}")
    return kind


def _check_one_process(name: str, settings: Settings) -> None:
    if settings.timeout is not None:
        raise UsageError(f"--timeout is {settings.timeout:g} s, which --executor {name} cannot keep; use local")
    if settings.memory is not None:
        raise UsageError(f"--memory is given, which --executor {name} cannot keep; use local")
    if len(settings.slots) > 1 or settings.slots[0].gpu is not None:
        raise UsageError(f"--executor {name} runs one trial at a time, in this process; --jobs and --gpus need local")
