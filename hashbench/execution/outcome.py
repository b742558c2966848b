"""The outcome of a trial in a process of its own: the record that it left, or a record of its failure."""

import math
import signal
from dataclasses import dataclass

from hashbench.execution.events import Event
from hashbench.execution.settings import Settings
from hashbench.records.store import Record, Store
from hashbench.records.trial_spec import PlannedTrial

TIMED_OUT, OUT_OF_MEMORY, STOPPED_BY_USER = "time-out", "memory", "user"
GIB = 1 << 30


@dataclass(frozen=True)
class ProcessEnd:
    """The end of a trial's process, as an executor saw it.

    Attributes:
        exit_code: as multiprocessing has it: negative for a signal; None where it is not known.
        stopped: why the executor stopped it: TIMED_OUT, OUT_OF_MEMORY or STOPPED_BY_USER; None: it ended by itself.
        phase: the last phase that it reported.
        seconds: how long it ran, phases that the time-out does not count left out.
        host_peak_bytes: most memory that the executor saw it take; None where it did not look.
        ended_by_system: the system ended a process meanwhile because memory ran out.
    """

    exit_code: int | None
    stopped: str | None
    phase: str | None
    seconds: float
    host_peak_bytes: int | None = None
    ended_by_system: bool = False


def finished(planned: PlannedTrial, record: Record, traceback: str) -> Event:
    """The event of a trial's end.

    Args:
        planned: the trial.
        record: what it left.
        traceback: where its output is, for the event's reason if it failed.
    """
    status, error = str(record["status"]), record["error"]
    lines = str(error["message"]).strip().splitlines() if error else []
    reason = lines[0] if lines else ""
    if error and status != "skipped":
        reason = f"{reason} ({traceback})".strip()
    return Event(planned.key, "finished", status, reason=reason)


def left_record(
    planned: PlannedTrial, end: ProcessEnd, before: Record | None, settings: Settings, store: Store
) -> Record:
    """The record that a trial's process left; makes and writes one of its failure if it left none.

    Args:
        planned: the trial.
        end: how its process ended.
        before: the record that stood under the trial's key before the process started.
        settings: of the run.
        store: the result folder.
    """
    record = store.read(planned)
    if record is None or record == before:
        from hashbench.records.new_record import mark_failed, new_record  # with torch, which most watchers go without

        record = new_record(planned, settings.device, settings.provenance)
        status, message = status_and_message(end, settings)
        mark_failed(record, status, end.phase, message, _last_log_lines(planned, store))
        record["seconds"] = {"total": end.seconds}
        record["memory"]["host_peak_bytes"] = end.host_peak_bytes
        store.write_record(planned, record)
    return record


def status_and_message(end: ProcessEnd, settings: Settings) -> tuple[str, str]:
    """Status and reason of a trial whose process left no record."""
    if end.stopped == TIMED_OUT:
        return "timeout", f"stopped after its time-out of {settings.timeout:g} s"
    if end.stopped == OUT_OF_MEMORY:
        took, limit = ((size or 0) / GIB for size in (end.host_peak_bytes, settings.memory))
        took = math.ceil(took * 100) / 100  # up, so that it reads as more than the limit
        return "oom", f"took {took:g} GiB of the host's memory, more than its limit of {limit:.3g} GiB (--memory)"
    if end.exit_code == -signal.SIGKILL and end.ended_by_system:
        return "oom", "ended by the system because the host's memory ran out"
    if end.exit_code is not None and end.exit_code < 0:
        name = _signal_name(-end.exit_code)
        hint = ", perhaps by the system because memory ran out" if -end.exit_code == signal.SIGKILL else ""
        return "killed", f"ended by signal {name}{hint}"
    return "failed", f"exited with code {end.exit_code} and left no record"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal has no name
        return str(number)


def _last_log_lines(planned: PlannedTrial, store: Store) -> list[str]:
    from hashbench.records.new_record import MAX_LOG_LINES

    log = store.log_path(planned)
    return log.read_text(encoding="utf-8", errors="replace").splitlines()[-MAX_LOG_LINES:] if log.exists() else []
