"""``hb.run``: plan a grid, run what is missing, report."""

import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack

from hashbench.device import pick_device
from hashbench.errors import UsageError
from hashbench.execution import executor
from hashbench.features.cache import cache_root
from hashbench.job import Event, Settings
from hashbench.plan import Planned, make_plan
from hashbench.records.environment import git_state
from hashbench.records.results import Results, results
from hashbench.reporting.write import write_reports
from hashbench.request import Request, split_list

DATA_VARIABLE = "HASHBENCH_DATA"


class RunOptions(TypedDict, total=False):
    """Options of :func:`run`, as on the command line.

    methods, bits: what to run (required); lists, or for methods the text with commas.
    datasets, features, repeats, preset, parameters, limit, seed, rerun: see :class:`hashbench.request.Request`.
    device, timeout, executor: see ``hashbench run --help``.
    results, data: folders.
    """

    methods: Sequence[str] | str
    bits: Sequence[int] | int
    datasets: Sequence[str] | str
    features: str | None
    repeats: int
    preset: str | None
    parameters: Mapping[str, Mapping[str, Any]]
    limit: int | None
    seed: int
    rerun: str
    device: str
    timeout: float | None
    executor: str
    results: str | Path
    data: str | Path | None


def run(**options: Unpack[RunOptions]) -> Results:
    """Train and score a grid of methods; records of earlier runs of the same trials are used.

    ``hb.run(methods=["bgan", "itq"], bits=[16, 32, 64])``

    Returns:
        The records of this grid, failures included.

    Raises:
        UsageError: the request cannot be carried out as it stands; nothing was run.
    """
    settings = make_settings(
        options.get("results", "results"),
        options.get("data"),
        device=options.get("device", "auto"),
        timeout=options.get("timeout"),
    )
    bits = options["bits"]
    request = Request(
        methods=_names(options["methods"]),
        bits=(bits,) if isinstance(bits, int) else tuple(bits),
        datasets=_names(options.get("datasets", ())),
        features=options.get("features"),
        repeats=options.get("repeats", 1),
        preset=options.get("preset"),
        parameters=options.get("parameters", {}),
        limit=options.get("limit"),
        seed=options.get("seed", 0),
        rerun=options.get("rerun", "missing"),
    )
    plan = make_plan(request, settings)
    carry_out(plan, settings, options.get("executor", "local"), lambda _event: None)
    return grid_results(plan, settings)


def make_settings(
    results_folder: str | Path,
    data: str | Path | None,
    device: str = "auto",
    timeout: float | None = None,
    save_state: bool = True,
) -> Settings:
    """Settings with folders made absolute and provenance filled in.

    Raises:
        UsageError: a folder is not there or is a file, the device is not here, the time-out is not positive.
    """
    if timeout is not None and timeout <= 0:
        raise UsageError(f"timeout is {timeout:g} s, wanted more than 0")
    pick_device(device)
    return Settings(
        results=Path(results_folder).absolute(),
        data=data_folder(data),
        cache=cache_root(),
        device=device,
        timeout=timeout,
        save_state=save_state,
        provenance={**git_state(), "command": _command()},
    )


def data_folder(given: str | Path | None) -> Path:
    """The folder of all data sets: what was given, else HASHBENCH_DATA, else ``data`` here.

    Raises:
        UsageError: a folder was named that is not there.
    """
    named = given or os.environ.get(DATA_VARIABLE)
    folder = Path(named or "data").absolute()
    if named and not folder.is_dir():
        source = "--data" if given else DATA_VARIABLE
        raise UsageError(f"data folder {str(named)!r} ({source}) is not there; make it, or name the right one")
    return folder


def carry_out(
    plan: Sequence[Planned], settings: Settings, executor_name: str, watcher: Callable[[Event], None]
) -> bool:
    """Run the plan's open jobs, then write the reports of the result folder; False when the user interrupted."""
    chosen = executor(executor_name)
    finished = chosen.run([planned.job for planned in plan if planned.run], settings, watcher)
    write_reports(settings.results)
    return finished


def grid_results(plan: Sequence[Planned], settings: Settings) -> Results:
    """The records of a grid; where a trial was not run because an older one is stale, the older one."""
    keys = {planned.job.key for planned in plan} | stale_keys(plan)
    return results(settings.results).select(frozenset(keys))


def stale_keys(plan: Sequence[Planned]) -> frozenset[str]:
    """Keys of the stale records that stand in for trials that are not run."""
    return frozenset(planned.stale_key for planned in plan if planned.stale_key and not planned.run)


def _names(given: Sequence[str] | str) -> tuple[str, ...]:
    return split_list(given if isinstance(given, str) else ",".join(given))


def _command() -> str:
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
