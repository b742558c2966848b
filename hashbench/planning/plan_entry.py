"""What is to be done about a planned trial, given the records that are there."""

from dataclasses import dataclass, replace

from hashbench.method import HashMethod
from hashbench.planning.expected_time import ExpectedTime
from hashbench.planning.fingerprint import changes, listed
from hashbench.plugins import hyperparameters
from hashbench.plugins.registry import METHODS
from hashbench.records.newest import newest_records, trial_id
from hashbench.records.store import ENDED_WELL, IrreplaceableError, ReadFiles, Record, Store
from hashbench.records.trial_spec import REFERENCES, PlannedTrial


@dataclass(frozen=True)
class PlanEntry:
    """A trial and what is to be done about it.

    Attributes:
        planned: the trial.
        state: "missing", "done", "failed" (a record says so), "stale" (only a record of other sources is there) or
            "unreadable" (what lies in its record's place cannot be read here and must not be replaced).
        run: whether it will be run.
        reason: one phrase for people.
        stale_key: key of the newest record with the same identity and another fingerprint, or None.
        created: when the record of its key was made; None where there is none.
        seconds: that it may take if it is run, by earlier records of its kind; None where there are none.
    """

    planned: PlannedTrial
    state: str
    run: bool
    reason: str
    stale_key: str | None = None
    created: str | None = None
    seconds: float | None = None


def plan_entries(trials: list[tuple[PlannedTrial, str]], store: Store, records: ReadFiles) -> list[PlanEntry]:
    """What is to be done about each trial.

    Args:
        trials: each with what its grid wants made again.
        store: the result folder.
        records: its records.
    """
    own, foreign = _earlier_records(trials, records)
    entries = []
    for planned, rerun in trials:
        path = store.record_path(planned)
        fault = records.faults.get(path)
        if isinstance(fault, IrreplaceableError):
            entries.append(PlanEntry(planned, "unreadable", False, str(fault)))
        else:
            name = trial_id(planned.trial.identity())
            entries.append(_state(planned, rerun, records.contents.get(path), own.get(name), foreign.get(name)))
    if not any(entry.run for entry in entries):
        return entries
    expected = ExpectedTime(records.contents.values())
    return [replace(entry, seconds=expected.of(entry.planned)) if entry.run else entry for entry in entries]


def _earlier_records(
    trials: list[tuple[PlannedTrial, str]], records: ReadFiles
) -> tuple[dict[str, Record], dict[str, Record]]:
    """The newest record of each planned trial, whatever its fingerprint: of this kind of device, and of others."""
    methods: dict[str, type[HashMethod] | None] = {
        name: None if name in REFERENCES else METHODS.get(name)
        for name in dict.fromkeys(planned.trial.method for planned, _ in trials)
    }
    kinds = {planned.fingerprint["device"] for planned, _ in trials}
    sides: tuple[list[Record], list[Record]] = ([], [])
    for record in records.contents.values():
        name = record["trial"]["method"]
        if name in methods:
            sides[record["fingerprint"]["device"] not in kinds].append(_with_current_names(record, methods[name]))
    return newest_records(sides[0]), newest_records(sides[1])


def _with_current_names(record: Record, method: type[HashMethod] | None) -> Record:
    """The record with its trial's parameters under the names that they have today; None is a reference trial."""
    if method is None or not method.renamed:
        return record
    trial = record["trial"]
    return {**record, "trial": {**trial, "parameters": hyperparameters.current_names(method, trial["parameters"])}}


def _state(
    planned: PlannedTrial, rerun: str, record: Record | None, newest: Record | None, foreign: Record | None
) -> PlanEntry:
    """What is to be done about a trial.

    Args:
        planned: the trial.
        rerun: what its grid wants made again.
        record: the record of its key, if there is one.
        newest: the newest record of the same identity on this kind of device.
        foreign: the newest one on another kind of device.
    """
    if record is not None:
        return _recorded(planned, rerun, record)
    if newest is not None and newest["status"] in ENDED_WELL:
        return _stale(planned, rerun, newest)
    if foreign is not None:
        why = f"missing; the record there is of {foreign['fingerprint']['device']}"
        return PlanEntry(planned, "missing", True, why)
    return PlanEntry(planned, "missing", True, "missing")


def _recorded(planned: PlannedTrial, rerun: str, record: Record) -> PlanEntry:
    created = str(record["provenance"]["created"])
    if record["status"] in ENDED_WELL:
        again, reason = rerun == "all", "asked for again" if rerun == "all" else "done"
        return PlanEntry(planned, "done", again, reason, created=created)
    again = rerun in ("failed", "all")
    why = f"{record['status']} before: {record['error']['message']}"
    reason = why if again else f"{why}; --rerun failed makes it again"
    return PlanEntry(planned, "failed", again, reason, created=created)


def _stale(planned: PlannedTrial, rerun: str, newest: Record) -> PlanEntry:
    again = rerun in ("stale", "all")
    why = f"stale: {listed(changes(newest['fingerprint'], planned.fingerprint))}"
    reason = why if again else f"{why}; --rerun stale makes it again"
    return PlanEntry(planned, "stale", again, reason, newest["key"])
