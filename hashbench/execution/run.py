"""``hb.run``: plan a grid, run what is missing, report."""

import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from hashbench.data.same_images import same_images
from hashbench.dataset import Dataset
from hashbench.errors import UsageError, unknown
from hashbench.execution.claims import RATES_LEASE, Claims
from hashbench.execution.events import Event, OnEvent
from hashbench.execution.executor import Executor
from hashbench.execution.executors import executor
from hashbench.execution.ground_truth import ground_truth
from hashbench.execution.progress import Lines, header, is_watched
from hashbench.execution.rates import open_rates, remove_states
from hashbench.execution.settings import Settings
from hashbench.execution.slots import SlotOptions, make_slots, memory_limit, slot_options
from hashbench.execution.training_data import TrainingData
from hashbench.features.weights import Weights, checked_weights
from hashbench.planning.grid import CodeLength, Grid, code_length, grid_fields, parse_bits, split_list
from hashbench.planning.plan import Plan, make_plan
from hashbench.planning.shard import parse_shard
from hashbench.planning.suite import open_grids
from hashbench.records.environment import git_state
from hashbench.records.results import Results, results_so_far
from hashbench.records.store import Store
from hashbench.util.device import pick_device
from hashbench.util.lease import held
from hashbench.util.numbers import positive_number
from hashbench.util.paths import absolute, cache_folder, data_folder
from hashbench.util.progress import log_to_stderr
from hashbench.util.threads import crowded, usable_cores


class RunOptions(SlotOptions, total=False):
    """Options of :func:`run`, as on the command line.

    methods, bits: what to run (required without suite); lists, or the text with commas.
    suite: name of a suite or its TOML file; what else is given changes all its runs, methods cannot be.
    datasets, features, features_dtype, repeats, preset, parameters, limit, seed, relevance, metric, queries, labels,
        rankings, rerun: see :class:`hashbench.planning.grid.Grid`.
    weights: {name of a network: file of its state dict}.
    offline: download nothing.
    device, timeout, executor, address, shard: see ``hashbench run --help``.
    jobs, gpus, per_gpu, threads, memory: see :class:`hashbench.execution.slots.SlotOptions`.
    rates: measure encoding and search when all trials have ended; by default True.
    results, data: folders.
    progress: print lines of progress to standard error, epochs, extraction and downloads among them; or a function
        that gets each :class:`hashbench.execution.events.Event`. By default True on a terminal and in a notebook.
    """

    suite: str | Path | None
    methods: Sequence[str] | str
    bits: Sequence[CodeLength] | int | str
    datasets: Sequence[str] | str
    features: str | None
    features_dtype: str
    weights: Mapping[str, str | Path]
    offline: bool
    repeats: int
    preset: str | None
    parameters: Mapping[str, Mapping[str, Any]]
    limit: int | None
    seed: int
    relevance: str | None
    metric: str | None
    queries: str | int | float | Path | None
    labels: str | Path | None
    rankings: Sequence[str] | str
    rerun: str
    device: str
    timeout: float | None
    executor: str
    address: str | None
    shard: str | None
    rates: bool
    results: str | Path
    data: str | Path | None
    progress: bool | OnEvent | None


def run(**options: Unpack[RunOptions]) -> Results:
    """Train and score a grid of methods, or a suite of grids; records of earlier runs of the same trials are used.

    ``hb.run(methods=["bgan", "itq"], bits=[16, 32, 64])``, ``hb.run(suite="bgan-ablation", repeats=3)``

    Returns:
        The records of this grid, failures included.

    Raises:
        UsageError: the request cannot be carried out as it stands; nothing was run.
        StorageError: a record, or something else, cannot be written; what was recorded until then stays.
        KeyboardInterrupt: the user stopped the grid (Ctrl-C).
    """
    _check(options)
    settings = make_settings(
        options.get("results", "results"),
        options.get("data"),
        device=options.get("device", "auto"),
        timeout=options.get("timeout"),
        weights=checked_weights(options.get("weights", {})),
        offline=options.get("offline", False),
        rates=options.get("rates", True),
        slot_options=slot_options(options),
        address=options.get("address"),
    )
    asked = grid_fields(options, methods=_names, bits=_bits, datasets=_names, queries=str, labels=str, rankings=_names)
    chosen = executor(options.get("executor", "local"), settings)
    grids = open_grids(options.get("suite"), asked)
    shard = None if (text := options.get("shard")) is None else parse_shard(text)
    chosen.prepare()
    plan = plan_grids(grids, settings).of_shard(shard)
    if not carry_out(plan, settings, chosen, _on_event(plan, options.get("progress"))):
        raise KeyboardInterrupt("the grid was stopped; the same call goes on from here")
    return grid_results(plan, settings)


def make_settings(
    results_folder: str | Path,
    data: str | Path | None,
    device: str = "auto",
    timeout: float | None = None,
    save_state: bool = True,
    weights: Mapping[str, Path] | None = None,
    offline: bool = False,
    rates: bool = True,
    slot_options: SlotOptions | None = None,
    address: str | None = None,
) -> Settings:
    """Settings with folders made absolute and provenance filled in.

    Raises:
        UsageError: a folder is not there or is a file, the device is not here, the time-out is not positive, or the
            options on slots cannot be kept.
    """
    slot_options = slot_options or {}
    timeout = None if timeout is None else positive_number("timeout", timeout, " s")
    pick_device(device)
    return Settings(
        results=absolute(results_folder),
        data=data_folder(data),
        cache=cache_folder(),
        device=device,
        timeout=timeout,
        save_state=save_state,
        rates=rates,
        slots=(slots := make_slots(slot_options, device)),
        asked=slot_options,
        address=address,
        threads=None if slot_options.get("threads") is None else slots[0].threads,
        memory=memory_limit(slot_options.get("memory")),
        weights=weights or {},
        offline=offline,
        provenance={**git_state(), "command": _command()},
    )


def plan_grids(grids: Sequence[Grid], settings: Settings) -> Plan:
    """The plan of the grids; see :func:`hashbench.planning.plan.make_plan`.

    Raises:
        UsageError: a grid cannot be carried out as it stands.
    """
    weights = Weights(settings.weights, settings.offline, log_to_stderr)
    return make_plan(grids, Store(settings.results), settings.data, pick_device(settings.device), weights)


def carry_out(plan: Plan, settings: Settings, chosen: Executor, on_event: Callable[[Event], None]) -> bool:
    """Run the plan's open trials, measure their rates, then write the reports of the result folder.

    Returns False when the user interrupted. Images are decoded first, once for each content (see
    :func:`hashbench.data.same_images.same_images`), and the neighbours of vectors are searched for.

    Raises:
        BrokenFiles: images cannot be decoded; nothing was run.
        UsageError: vectors have no neighbours that could be ranked; nothing was run.
        StorageError: results cannot be written, or what has to be cached; trials may be left.
    """
    if plan.to_run():
        Store(settings.results).prepare()
        if not chosen.takes_address:  # else trials may run on other machines
            _warn_of_other_work(settings, on_event)
    for spec in dict.fromkeys(planned.dataset_spec for planned in plan.to_run()):
        dataset = plan.datasets[spec]
        if dataset.vectors() is None:
            same_images(dataset, settings.cache)
        else:
            _search_neighbours(dataset, settings)

    started = set[str]()

    def hear(event: Event) -> None:
        if event.kind == "started":
            started.add(event.key)
        on_event(event)

    finished = run_trials(plan, settings, chosen, hear)
    if finished and settings.rates:
        finished = _measure_rates(plan, settings, chosen, on_event)
        if finished and not settings.save_state:
            remove_states([planned for planned in plan.to_run() if planned.key in started], Store(settings.results))
    from hashbench.reporting.write import write_reports  # its imports take a second that no trial waits for

    write_reports(settings.results, plan.keys(), plan.stale_keys())
    return finished


def _warn_of_other_work(settings: Settings, on_event: OnEvent) -> None:
    others, cores = settings.other_work.cores(), usable_cores()
    threads = sum(slot.threads or cores for slot in settings.slots)
    on_cpu = pick_device(settings.device).type == "cpu"
    if on_cpu and others is not None and crowded(others, threads, cores):
        advice = "" if threads <= len(settings.slots) else ", and --threads 1 is faster"
        line = f"other programs keep {others:.1f} of {cores} cores busy: times mean little{advice}"
        on_event(Event("", "warning", line))


def run_trials(plan: Plan, settings: Settings, chosen: Executor, on_event: OnEvent) -> bool:
    """Run the plan's open trials, those that another run has when they are left; False when the user interrupted.

    Raises:
        StorageError: results cannot be written; trials may be left.
    """
    if not plan.to_run():
        return True
    store = Store(settings.results)
    store.prepare()
    about = {"command": settings.provenance.get("command"), "trials": len(plan.to_run())}
    with Claims(store, {entry.planned.key: entry.created for entry in plan.entries}, about) as claims:
        pass_on = _learning(settings, on_event)

        def hear(event: Event) -> None:
            claims.note(event)
            pass_on(event)

        return chosen.run(plan.to_run(), settings, hear, claims)


def _measure_rates(plan: Plan, settings: Settings, chosen: Executor, on_event: OnEvent) -> bool:
    """Measure what the run's trials left, and what an earlier run did not measure; False when the user interrupted.

    Of several runs on a folder one measures at a time, and what another one measured meanwhile is left out.
    """
    store = Store(settings.results)
    if not open_rates(plan, store):
        return True
    store.prepare()
    with held(store.leases, RATES_LEASE, {"trial": "rates of trials that have ended"}, _waits_for_rates):
        return chosen.measure(open_rates(plan, store), settings, _learning(settings, on_event))


def _learning(settings: Settings, on_event: OnEvent) -> OnEvent:
    """Take sums of files that a process verified into the settings of the run; pass other events on."""

    def hear(event: Event) -> None:
        if event.kind == "verified":  # a process of its own has a copy of the settings
            settings.verified.update(event.verified)
        else:
            on_event(event)

    return hear


def _waits_for_rates(holder: str) -> None:
    log_to_stderr(f"waiting for {holder}, which measures rates on this folder")


def _search_neighbours(dataset: Dataset, settings: Settings) -> None:
    vectors = dataset.vectors()
    assert vectors is not None
    assert dataset.distance is not None
    inputs = TrainingData(dataset, vectors, dataset.labels())
    where = settings.cache, pick_device(settings.device), log_to_stderr
    ground_truth(inputs, dataset.content(), dataset.split(), dataset.distance, *where)


def grid_results(plan: Plan, settings: Settings) -> Results:
    """The records of a grid; where a trial was not run because an older one is stale, the older one."""
    return results_so_far(settings.results).select(plan.keys() | plan.stale_keys())


def _check(options: Mapping[str, Any]) -> None:
    for name in options:
        if name not in RunOptions.__annotations__:
            raise unknown("option of run", name, RunOptions.__annotations__)
    for name in ("methods", "bits"):
        if name not in options and options.get("suite") is None:
            raise UsageError(f"run needs {name}, as in run(methods=['itq'], bits=[32])")


def _bits(given: Sequence[CodeLength] | int | str) -> tuple[CodeLength, ...]:
    if isinstance(given, str):
        return parse_bits(given)
    lengths = given if isinstance(given, Iterable) else [given]
    return tuple(dict.fromkeys(code_length(bits) for bits in lengths))


def _names(given: Sequence[str] | str) -> tuple[str, ...]:
    return split_list(given) if isinstance(given, str) else tuple(dict.fromkeys(given))


def _on_event(plan: Plan, progress: bool | OnEvent | None) -> OnEvent:
    if callable(progress):
        return progress
    if not (is_watched() if progress is None else progress):
        return lambda _event: None
    for line in header(plan):
        log_to_stderr(line)
    return Lines(plan)


def _command() -> str:
    program = Path(sys.argv[0]).name
    return shlex.join(["hashbench" if program == "__main__.py" else program, *sys.argv[1:]])
