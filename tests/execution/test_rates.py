"""Rates are the last phase of a grid: after all trials, of what they left, and made up where a kill took them."""

import json
from pathlib import Path
from typing import Any

import pytest

import hashbench as hb
from hashbench.execution import measure
from hashbench.execution.events import Event
from hashbench.execution.rates import missing_rates
from hashbench.execution.run import make_settings, plan_grids
from hashbench.planning.grid import Grid
from hashbench.records.results import Results
from hashbench.records.store import Store
from tests.command import hashbench

DIES = '''"""Ends its process while it is measured."""
import os, signal, traceback
from hashbench.method import HashMethod, Traits

class Dies(HashMethod):
    """First pixels."""
    traits = Traits(deterministic=True)

    def fit(self, train, run):
        return self

    def encode(self, batch):
        if any(frame.name == "measure" for frame in traceback.extract_stack()):
            os.kill(os.getpid(), signal.SIGKILL)
        return batch[:, : self.bits] > 0
'''


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Rates that take no time, which are not looked at, no reports, and a cache of its own."""
    monkeypatch.setattr(measure, "SECONDS_PER_FIGURE", 0.02)
    monkeypatch.setattr("hashbench.reporting.write.write_reports", lambda *_: [])
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))


def run(folder: Path, **options: Any) -> tuple[Results, list[Event]]:
    events: list[Event] = []
    asked = {"methods": ["lsh", "itq"], "bits": [8], "limit": 200, "executor": "inline", "device": "cpu", **options}
    return hb.run(**asked, results=folder, progress=events.append), events


def measured(folder: Path) -> set[str]:
    return {file.name.partition("-")[0] for file in (folder / "throughput").glob("*.json")}


def states(folder: Path) -> set[str]:
    return {file.stem.rpartition("-")[2] for file in (folder / "records").glob("*.safetensors")}


def keys(results: Results) -> set[str]:
    return {record["key"] for record in results.records if not record["reference"]}


def test_rates_are_measured_when_all_trials_have_ended(tmp_path: Path) -> None:
    results, events = run(tmp_path)
    kinds = [event.kind for event in events if event.kind in ("finished", "rates")]
    assert kinds == ["finished"] * 4 + ["rates"] * 2
    assert [(event.done, event.total) for event in events if event.kind == "rates"] == [(1, 2), (2, 2)]
    assert measured(tmp_path) == keys(results) == states(tmp_path)
    for throughput in results.throughputs:
        for rates in throughput["search"].values():
            assert rates["calls"] >= 200
            assert rates["latency_ms"].keys() == {"p50", "p95", "p99"}


def test_rates_that_a_kill_took_are_made_up_by_the_same_command(tmp_path: Path) -> None:
    results, events = run(tmp_path, rates=False)
    assert not [event for event in events if event.kind == "rates"]
    assert measured(tmp_path) == set()
    _, events = run(tmp_path)
    assert [event.kind for event in events if event.kind in ("started", "rates")] == ["rates"] * 2
    assert measured(tmp_path) == keys(results)
    _, events = run(tmp_path)
    assert events == []


def test_rates_of_another_machine_are_rates(tmp_path: Path) -> None:
    run(tmp_path)
    for file in (tmp_path / "throughput").glob("*.json"):
        file.rename(file.with_name(f"{file.name.partition('-')[0]}-{'0' * 12}.json"))
    assert run(tmp_path)[1] == []


def test_what_left_no_state_has_no_missing_rates_and_the_plan_says_of_which_they_are(tmp_path: Path) -> None:
    run(tmp_path / "r", rates=False)
    next((tmp_path / "r/records").glob("*-lsh-*.safetensors")).unlink()
    grid = Grid(methods=("lsh", "itq"), bits=(8,), datasets=("digits",), limit=200)
    plan = plan_grids([grid], make_settings(tmp_path / "r", None, "cpu"))
    assert [planned.trial.method for planned in missing_rates(plan, Store(tmp_path / "r"))] == ["itq"]
    words = ("run", "--methods", "lsh,itq", "--bits", "8", "--limit", "200", "--device", "cpu", "--results", "r")
    done = hashbench(*words, "--dry-run", cwd=tmp_path)
    assert done.stdout.endswith("0 of 4 trials to run\n1 trials to measure that have no rates yet\n")
    assert hashbench(*words, "--dry-run", "--no-rates", cwd=tmp_path).stdout.endswith("0 of 4 trials to run\n")


def test_a_state_that_is_not_wanted_is_kept_until_it_is_measured(tmp_path: Path) -> None:
    words = ("run", "--methods", "lsh", "--bits", "8", "--executor", "inline", "--device", "cpu", "--no-state")
    assert hashbench(*words, cwd=tmp_path).returncode == 0
    folder = tmp_path / "results"
    assert (states(folder), len(measured(folder))) == (set(), 1)
    assert hashbench(*words, "--no-rates", "--results", "none", cwd=tmp_path).returncode == 0
    assert (states(tmp_path / "none"), measured(tmp_path / "none")) == (set(), set())


def test_a_process_that_ends_while_it_is_measured_takes_no_other_rates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods/dies.py").write_text(DIES)
    words = ("run", "--methods", "dies,lsh", "--bits", "8", "--device", "cpu")
    done = hashbench(*words, cwd=tmp_path, HASHBENCH_PLUGINS=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "no throughput of dies 8 bits on digits/holdout-200, pixels: ended by signal SIGKILL" in done.stderr
    by_method = {json.loads(file.read_text())["trial"]["method"]: file for file in records(tmp_path / "results")}
    assert measured(tmp_path / "results") == {by_method["lsh"].stem.rpartition("-")[2]}


def records(folder: Path) -> list[Path]:
    return sorted((folder / "records").glob("*.json"))
