"""Runs or measures one trial inside a process of its own."""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path

from hashbench.errors import StorageError
from hashbench.execution.events import Event, OnEvent
from hashbench.execution.settings import Settings
from hashbench.records.trial_spec import PlannedTrial
from hashbench.util.storage import writing
from hashbench.util.threads import limited_threads

Work = Callable[[PlannedTrial, Settings, OnEvent], object]

ENDED_FIRST = "500"  # of -1000 to 1000: where memory runs out, the system ends a trial and not the run


def main(
    planned: PlannedTrial,
    work: Work,
    settings: Settings,
    threads: int | None,
    log: Path,
    events: "Connection[Event, Event]",
    environment: dict[str, str],
) -> None:
    """Do the work on one trial: in a session of its own, with the grid's environment, its output added to the log.

    The process and what it started are killed when the one that runs the grid ends.
    """
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that runs the grid handles Ctrl-C
    _die_with_parent()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # by which it is asked to stop
    with suppress(OSError):  # no Linux
        Path("/proc/self/oom_score_adj").write_text(ENDED_FIRST)
    try:
        with writing(log.parent):
            _redirect(log)
    except StorageError as error:
        events.send(Event(planned.key, "unwritten", str(error)))
        return

    def pass_on(event: Event) -> None:
        if event.kind == "note":
            with suppress(OSError):  # a full disk: the trial's own files say so
                print(event.text)  # noqa: T201 - into the trial's log
        events.send(event)

    with suppress(StorageError), limited_threads(threads):  # the executor has the error as an event
        work(planned, settings, pass_on)


def _die_with_parent() -> None:
    """Have this process group killed as soon as the process that runs the grid has ended, for whatever reason.

    A process of its own waits for that: a thread of this one would wait for Python's lock while a trial holds it.
    """
    parent = parent_process()
    if parent is None or os.fork() != 0:
        return
    end = parent.sentinel
    os.closerange(3, end)
    os.closerange(end + 1, os.sysconf("SC_OPEN_MAX"))
    wait([end])
    os.killpg(0, signal.SIGKILL)


def _redirect(log: Path) -> None:
    """Standard output and error, of this process and of what it starts, go to the log."""
    stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for target in (1, 2):
        os.dup2(stream, target)
    os.close(stream)
    for text in (sys.stdout, sys.stderr):
        text.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
