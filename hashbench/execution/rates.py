"""Rates of a grid: its last phase, one fitted method after the other, from the codes and states that trials left."""

import sys
import traceback
from collections.abc import Iterable

from hashbench.errors import StorageError, UsageError, in_words
from hashbench.execution.events import Event, OnEvent
from hashbench.execution.remeasure import measure_again
from hashbench.execution.replay_context import ReplayContext
from hashbench.execution.settings import Settings
from hashbench.execution.stored_trial import StoredTrial
from hashbench.features.weights import Weights
from hashbench.planning.plan import Plan
from hashbench.records.store import Store
from hashbench.records.trial_spec import REFERENCES, PlannedTrial
from hashbench.util.device import pick_device

PHASE = "throughput"


def missing_rates(plan: Plan, store: Store) -> list[PlannedTrial]:
    """Trials of the plan that ended well in an earlier run, left codes and state, and have no rates from any machine.

    Such are left by a run that was stopped, or that was not to measure.
    """
    measured = {file.name.partition("-")[0] for file in store.throughput_folder.glob("*.json")}
    done = [entry.planned for entry in plan.entries if entry.state == "done" and not entry.run]
    return [planned for planned in done if planned.key not in measured and _left_all(planned, store)]


def open_rates(plan: Plan, store: Store) -> list[PlannedTrial]:
    """The trials whose rates a run measures once its trials have ended: those that it ran, and missing ones."""
    ran = [planned for planned in plan.to_run() if _left_all(planned, store) and _ended_well(planned, store)]
    return [*ran, *missing_rates(plan, store)]


def measure_trial(planned: PlannedTrial, settings: Settings, on_event: OnEvent) -> None:
    """Measure one trial in this process as ``hashbench measure`` does; a failure is a note, and takes no score away.

    Raises:
        StorageError: the rates cannot be written.
    """

    def log(line: str) -> None:
        on_event(Event(planned.key, "note", line))

    on_event(Event(planned.key, "phase", PHASE))
    try:
        context = ReplayContext(
            settings.results,
            settings.data,
            pick_device(settings.device),
            Weights(settings.weights, settings.offline, log),
            planned.dataset_spec,
            settings.verified,
        )
        measure_again(StoredTrial.read(Store(settings.results).record_path(planned)), context)
    except KeyboardInterrupt:
        raise
    except StorageError as error:
        on_event(Event(planned.key, "unwritten", str(error)))
        raise
    except BaseException as error:
        sys.stderr.writelines(traceback.format_exception(error))
        log(no_rates(planned, str(error) if isinstance(error, UsageError) else in_words(error)))


def no_rates(planned: PlannedTrial, reason: str) -> str:
    """The line on a trial that could not be measured."""
    return f"no throughput of {planned}: {reason}"


def remove_states(trials: Iterable[PlannedTrial], store: Store) -> None:
    """Remove fitted methods that were kept to be measured only."""
    for planned in trials:
        store.record_path(planned).with_suffix(".safetensors").unlink(missing_ok=True)


def _left_all(planned: PlannedTrial, store: Store) -> bool:
    file = store.record_path(planned)
    both = all(file.with_suffix(ending).is_file() for ending in (".npz", ".safetensors"))
    return both and planned.trial.method not in REFERENCES


def _ended_well(planned: PlannedTrial, store: Store) -> bool:
    record = store.read(planned)
    return record is not None and record["status"] == "ok"
