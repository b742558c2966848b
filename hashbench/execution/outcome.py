"""The outcome of a trial in a process of its own: the record that it left, or a record of its failure."""

import signal
from dataclasses import dataclass

from hashbench.execution.events import Event
from hashbench.execution.settings import Settings
from hashbench.records.new_record import MAX_LOG_LINES, mark_failed, new_record
from hashbench.records.store import Record, Store
from hashbench.records.trial_spec import PlannedTrial


@dataclass(frozen=True)
class ProcessEnd:
    """The end of a trial's process, as an executor saw it.

    Attributes:
        exit_code: as multiprocessing has it: negative for a signal; None where it is not known.
        timed_out: the executor stopped it at its time-out.
        phase: the last phase that it reported.
        seconds: how long it ran, phases that the time-out does not count left out.
    """

    exit_code: int | None
    timed_out: bool
    phase: str | None
    seconds: float


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
        record = new_record(planned, settings.device, settings.provenance)
        status, message = _status_and_message(end, settings.timeout)
        mark_failed(record, status, end.phase, message, _last_log_lines(planned, store))
        record["seconds"] = {"total": end.seconds}
        store.write_record(planned, record)
    return record


def _status_and_message(end: ProcessEnd, timeout: float | None) -> tuple[str, str]:
    if end.timed_out:
        return "timeout", f"stopped after its time-out of {timeout:g} s"
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
    log = store.log_path(planned)
    return log.read_text(encoding="utf-8", errors="replace").splitlines()[-MAX_LOG_LINES:] if log.exists() else []
