"""Runs one trial inside a process of its own."""

import os
import signal
import sys
import threading
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path

from hashbench.errors import StorageError
from hashbench.execution.events import Event
from hashbench.execution.settings import Settings
from hashbench.execution.trial import run_trial
from hashbench.records.trial_spec import PlannedTrial
from hashbench.util.storage import writing


def main(
    planned: PlannedTrial,
    settings: Settings,
    log: Path,
    events: "Connection[Event, Event]",
    environment: dict[str, str],
) -> None:
    """Run one trial: in a process group of its own, with the grid's environment, its output in the log.

    The process is killed when the one that runs the grid ends.
    """
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that runs the grid handles Ctrl-C
    threading.Thread(target=_die_with_parent, daemon=True).start()
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

    with suppress(StorageError):  # the executor has it as an event
        run_trial(planned, settings, pass_on)


def _die_with_parent() -> None:
    """Kill this process group as soon as the process that runs the grid has ended, for whatever reason."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.killpg(0, signal.SIGKILL)


def _redirect(log: Path) -> None:
    """Standard output and error, of this process and of what it starts, go to the log."""
    stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for target in (1, 2):
        os.dup2(stream, target)
    os.close(stream)
    for text in (sys.stdout, sys.stderr):
        text.reconfigure(line_buffering=True)  # type: ignore[union-attr]
