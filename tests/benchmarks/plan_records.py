"""A result folder with a record for every trial of a plan, and the time of planning the same again.

``python -m tests.benchmarks.plan_records 1000 5000 10000`` prints seconds of CPU time for each number of records.
"""

import copy
import sys
import tempfile
import time
from pathlib import Path

from hashbench.execution.run import plan_grids
from hashbench.execution.settings import Settings
from hashbench.planning.grid import Grid
from hashbench.planning.plan import Plan
from hashbench.records.store import Store, to_json
from tests.reporting.made_records import make_record

METHODS, BITS = ("itq", "lsh"), (8, 16, 24, 32, 48)
PROVENANCE = {"git_commit": None, "git_dirty": None, "command": "benchmark"}


def grid(trials: int) -> Grid:
    """A grid of about that many trials: for each repetition those of two methods and of random codes, by bits."""
    return Grid(METHODS, BITS, repeats=max(1, trials // ((len(METHODS) + 1) * len(BITS))))


def settings(folder: Path) -> Settings:
    """Results and cache in one folder."""
    return Settings(folder / "results", folder, folder / "cache", provenance=PROVENANCE)


def write_planned(plan: Plan, settings: Settings) -> None:
    """Write a finished record for every trial of the plan, without waiting for the disk."""
    store = Store(settings.results)
    store.prepare()
    template = make_record("template", 16, 0.5)
    template["training"]["epochs"] = [{"epoch": float(epoch), "loss": 1.0} for epoch in range(30)]
    for entry in plan.entries:
        planned, record = entry.planned, copy.copy(template)
        record |= {"key": planned.key, "fingerprint": planned.fingerprint, "trial": planned.trial.identity()}
        record |= {"variant": planned.changed_parameters, "reference": planned.trial.method.startswith("reference-")}
        store.record_path(planned).write_bytes(to_json(record))


def main() -> None:
    """Print the time of a plan over as many records as trials, for each number on the command line."""
    for count in map(int, sys.argv[1:]):
        with tempfile.TemporaryDirectory() as folder:
            where = settings(Path(folder))
            plan = plan_grids([grid(count)], where)
            write_planned(plan, where)
            times = []
            for _ in range(3):
                started = time.process_time()
                plan = plan_grids([grid(count)], where)
                times.append(time.process_time() - started)
            assert not plan.to_run()
            print(f"{len(plan.entries):>6} trials over as many records: {min(times):.2f} s")


if __name__ == "__main__":
    main()
