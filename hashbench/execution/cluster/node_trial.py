"""A trial on a node: a process of its own, watched by the task of a cluster, whose memory no library takes.

What a run's other machines need not see stays in a folder of the node that goes with the task.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import wait
from pathlib import Path

from hashbench.errors import StorageError
from hashbench.execution.cluster.messages import Answer, Happened, Message, Request
from hashbench.execution.events import Event, OnEvent
from hashbench.execution.outcome import OUT_OF_MEMORY, TIMED_OUT, left_record
from hashbench.execution.settings import Settings
from hashbench.execution.slots import Slot
from hashbench.execution.trial_process import TrialProcess, start
from hashbench.records.store import Store, to_json
from hashbench.records.trial_spec import REFERENCES, PlannedTrial
from hashbench.util.files import staging_folder
from hashbench.util.paths import DATA_VARIABLE, cache_folder

LOOK_SECONDS = 0.1  # between two looks at the process
EPOCH_SECONDS = 0.5  # between two reports of its epochs
LOG_BYTES = 1 << 20  # of its output, the end
OOM_SCORE = Path("/proc/self/oom_score_adj")


def run_on_node(request: Request) -> Iterator[Message]:
    """Run a trial in a process of its own on this machine, and report its events; the last message is its answer."""
    with suppress(OSError):  # ray has the system end its workers first; it shall end the trial instead
        OOM_SCORE.write_text("0")
    with suppress(OSError):
        os.chdir(request.folder)
    planned = request.planned_trial()
    try:
        with staging_folder(cache_folder() / "trials", "trial") as folder:
            store = Store(folder)
            store.prepare()
            for name, content in request.files.items():
                (store.records_folder / Path(name).name).write_bytes(content)
            yield from _carried_out(planned, node_settings(request, folder), store, request.threads)
    except StorageError as error:
        yield Answer(unwritten=str(error))


def node_settings(request: Request, results: Path) -> Settings:
    """The settings of a trial on this machine: its own cache, and its own data where it names some.

    Args:
        request: what was asked for.
        results: where record, codes and state go at first.
    """
    own = os.environ.get(DATA_VARIABLE) if request.data_of_node else None
    return Settings(
        results=results,
        data=Path(own or request.data).absolute(),
        cache=cache_folder(),
        device=request.device,
        timeout=request.timeout,
        save_state=request.save_state,
        rates=request.rates,
        threads=request.threads,
        memory=request.memory,
        weights={name: Path(file) for name, file in request.weights.items()},
        offline=request.offline,
        provenance=request.provenance,
        verified=request.verified,
    )


def watched(process: TrialProcess, settings: Settings) -> Iterator[Event]:
    """The events of a process until it is gone; it is stopped where it takes too long, or too much memory."""
    reported = 0.0
    try:
        while True:
            if process.overdue(settings.timeout, time.monotonic()):
                process.stop(TIMED_OUT)
            elif settings.memory is not None and process.takes_more_than(settings.memory):
                process.stop(OUT_OF_MEMORY)
            wait([process.events if process.pipe_open else process.process.sentinel], timeout=LOOK_SECONDS)
            if process.pipe_open and process.events.poll():
                event, now = process.read_event(), time.monotonic()
                if event is None or (event.kind == "epoch" and now - reported < EPOCH_SECONDS):
                    continue
                reported = now if event.kind == "epoch" else reported
                yield event
            elif process.gone():
                return
    finally:
        process.clean_up()


def run_resolved(planned: PlannedTrial, settings: Settings, on_event: OnEvent) -> None:
    """Run a trial whose parameters are as JSON has them."""
    from hashbench.execution.trial import run_trial  # torch and all else, in the trial's own process only
    from hashbench.plugins.hyperparameters import resolve_recorded
    from hashbench.plugins.registry import METHODS

    trial = planned.trial
    if trial.method not in REFERENCES:
        method = METHODS.get(trial.method)
        planned = replace(
            planned, trial=replace(trial, parameters=resolve_recorded(trial.method, method, trial.parameters))
        )
    run_trial(planned, settings, on_event)


def _carried_out(planned: PlannedTrial, settings: Settings, store: Store, threads: int) -> Iterator[Message]:
    slot = Slot(threads=threads)
    process = start(planned, run_resolved, settings, slot, store, get_context("spawn"))
    for event in watched(process, settings):
        yield Happened.of(event)
    if process.unwritten:
        raise StorageError(process.unwritten)
    record = left_record(planned, process.end(), process.before, settings, store)
    file, ok = store.record_path(planned), record["status"] == "ok"
    yield Answer(
        record=to_json(record),
        codes=_content(file.with_suffix(".npz")) if ok else None,
        state=_content(file.with_suffix(".safetensors")) if ok else None,
        log=(_content(store.log_path(planned)) or b"")[-LOG_BYTES:],
    )


def _content(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None
