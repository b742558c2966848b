"""Several runs on one result folder: each trial is started by one, and once."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hashbench as hb
from hashbench.execution import claims, measure
from hashbench.execution.claims import Claims, claimed
from hashbench.execution.events import Event
from hashbench.execution.run import make_settings, plan_grids
from hashbench.planning.grid import Grid
from hashbench.planning.plan import Plan
from hashbench.records.new_record import mark_failed, new_record
from hashbench.records.store import Store
from hashbench.records.trial_spec import PlannedTrial
from hashbench.util.lease import Candidate, leases
from hashbench.util.processes import ProcessName
from tests.command import environment, hashbench, start

DOCS = Path(__file__).parents[2] / "docs"
ELSEWHERE = ProcessName("another", 7, "a-kernel pid:[1] 99")


class Folder:
    """A result folder with the plan of three trials on digits."""

    def __init__(self, root: Path) -> None:
        self.settings = make_settings(root / "results", None, "cpu")
        self.store = Store(self.settings.results)
        self.store.prepare()
        self.events: list[Event] = []

    def plan(self, rerun: str = "missing") -> Plan:
        return plan_grids([Grid(("lsh",), (8,), datasets=("digits",), rerun=rerun)], self.settings)

    def claims(self, plan: Plan) -> Claims:
        return Claims(self.store, {entry.planned.key: entry.created for entry in plan.entries}, {})

    def leave_record(self, planned: PlannedTrial, status: str = "ok") -> None:
        record = new_record(planned, "cpu", {"git_commit": None, "git_dirty": None, "command": "test"})
        record["provenance"]["created"] += f" {time.monotonic_ns()}"
        self.store.write_record(planned, mark_failed(record, status, "fit", "why", []))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setattr(claims, "POLL_SECONDS", 0.01)
    return Folder(tmp_path)


def test_of_two_runs_one_gets_a_trial_and_the_other_finds_its_record(folder: Folder) -> None:
    plan = folder.plan()
    planned = plan.to_run()[0]
    with folder.claims(plan) as one, folder.claims(plan) as other:
        assert one.claim(planned) == "run"
        assert other.claim(planned) == "held"
        assert other.holder(planned) == str(ProcessName.own())
        folder.leave_record(planned)
        one.note(Event(planned.key, "finished", "ok"))
        assert other.claim(planned) == "recorded"
    assert leases(folder.store.leases) == []


def test_a_record_that_is_made_between_the_look_for_it_and_the_lease_is_seen(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = folder.plan()
    planned = plan.to_run()[0]
    take = Candidate.take

    def late(candidate: Candidate, about: Any) -> Any:
        folder.leave_record(planned)
        return take(candidate, about)

    with folder.claims(plan) as one:
        monkeypatch.setattr(Candidate, "take", late)
        assert one.claim(planned) == "recorded"
    assert leases(folder.store.leases) == []


def test_a_record_that_the_plan_knew_and_makes_again_is_none_that_another_made(folder: Folder) -> None:
    planned = folder.plan().to_run()[0]
    folder.leave_record(planned, "failed")
    plan = folder.plan(rerun="failed")
    assert planned.key in [one.key for one in plan.to_run()]
    with folder.claims(plan) as one, folder.claims(plan) as other:
        assert one.claim(planned) == "run"
        folder.leave_record(planned, "failed")
        one.note(Event(planned.key, "finished", "failed"))
        assert other.claim(planned) == "recorded"
        assert other.new_status(planned) == "failed"


def test_what_another_run_has_comes_last_and_is_taken_over_when_that_one_gives_up(folder: Folder) -> None:
    plan = folder.plan()
    first, second, third = plan.to_run()
    with folder.claims(plan) as one, folder.claims(plan) as other:
        assert [other.claim(planned) for planned in (first, second)] == ["run", "run"]
        trials = claimed(plan.to_run(), one, folder.events.append)
        assert next(trials) == third
        assert not folder.events, "it waits for nobody yet"
        folder.leave_record(second)
        other.note(Event(second.key, "finished", "ok"))
        other.__exit__(None, None, None)  # without a record of the first
        assert next(trials) == first
        assert next(trials, None) is None
    assert [(event.kind, event.key, event.text) for event in folder.events] == [("recorded", second.key, "ok")]


def test_who_waits_says_so_and_stops_when_it_is_told(folder: Folder) -> None:
    plan = folder.plan()
    with folder.claims(plan) as one, folder.claims(plan) as other:
        assert {other.claim(planned) for planned in plan.to_run()} == {"run"}
        trials = claimed(plan.to_run(), one, folder.events.append, lambda: bool(folder.events))
        assert next(trials, None) is None
    (event,) = folder.events
    assert event.text == f"waiting for {ProcessName.own()}, which runs {plan.to_run()[0]} and 2 more"


def test_a_lease_says_how_far_its_trial_is(folder: Folder) -> None:
    plan = folder.plan()
    planned = plan.to_run()[0]
    with folder.claims(plan) as one:
        one.claim(planned)
        one.note(Event(planned.key, "phase", "fit"))
        one.note(Event(planned.key, "epoch", done=3, total=12))
        lease = one._held[planned.key]
        assert lease.about == {"trial": str(planned), "phase": "fit", "done": 3, "total": 12}
        one.note(Event(planned.key, "phase", "encode"))
        assert lease.about == {"trial": str(planned), "phase": "encode", "done": None, "total": None}


# With real runs


RUN = ("run", "--methods", "lsh", "--bits", "8,16", "--device", "cpu")
TRIALS = 5


def made_by(folder: Path) -> list[str]:
    """The command that made each record."""
    files = (folder / "results/records").glob("*.json")
    return [json.loads(file.read_text())["provenance"]["command"] for file in files]


def ran(lines: str) -> list[str]:
    """The trials that a run says it ran."""
    return re.findall(r"^\[\d+/\d+\] (.+): ok, [\d.]+ s", lines, flags=re.M)


def test_two_runs_at_once_run_each_trial_once(tmp_path: Path) -> None:
    runs = [start(*RUN, "--executor", executor, cwd=tmp_path) for executor in ("inline", "local")]
    lines = [run.communicate(timeout=400)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    trials = [ran(text) for text in lines]
    assert len(trials[0]) + len(trials[1]) == len({*trials[0], *trials[1]}) == TRIALS
    commands = made_by(tmp_path)
    assert [sum(word in command for command in commands) for word in (" inline", " local")] == list(map(len, trials))
    assert not list((tmp_path / "results/leases").iterdir())


@pytest.mark.slow
def test_the_trial_of_a_run_that_was_killed_is_taken_over_by_one_that_waits_for_it(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    words = ("run", "--methods", "hangs", "--bits", "8", "--device", "cpu")
    first = start(*words, cwd=tmp_path, HASHBENCH_TEST_PIDS=str(pids))
    deadline = time.monotonic() + 240
    while not (pids.exists() and len(pids.read_text().split()) == 2):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    second = start(*words, "--timeout", "8", cwd=tmp_path)
    assert second.stderr is not None
    waits = next(line for line in iter(second.stderr.readline, "") if line.startswith("waiting for"))
    assert waits.startswith(f"waiting for process {first.pid} on ")
    first.send_signal(signal.SIGKILL)
    first.wait()
    second.communicate(timeout=240)
    assert second.returncode == 1
    (file,) = (tmp_path / "results/records").glob("*-hangs-8-*.json")
    assert json.loads(file.read_text())["status"] == "timeout"
    left = [lease.name for lease in leases(tmp_path / "results/leases")]
    assert all(name.startswith("run-") for name in left), "of the killed run, on itself"


@pytest.mark.slow
def test_shards_merged_by_copying_are_the_whole_run(tmp_path: Path) -> None:
    """Run by the script that the documents give, as the jobs of a Slurm array."""
    text = (DOCS / "cluster.md").read_text()
    script = re.search(r"```bash\n(#!/bin/bash\n#SBATCH.*?)```", text, flags=re.S)
    merge = re.search(r"```sh\n(.*cp -r .*)\n", text)
    assert script
    assert merge
    assert len(script[1].splitlines()) <= 8
    assert "--array=1-8\n" in script[1]
    job = (
        script[1]
        .replace("_ID/8", "_ID/2")
        .replace("'*'", "lsh")
        .replace("16,32,64", "8,16")
        .replace("--datasets cifar10", "--device cpu")
    )
    (tmp_path / "hashbench").write_text(f'#!/bin/bash\nexec "{sys.executable}" -m hashbench "$@"\n')
    (tmp_path / "hashbench").chmod(0o755)
    (tmp_path / "job.sh").write_text(job)
    for number in (1, 2):
        path = f"{tmp_path}:{os.environ['PATH']}"
        variables = environment(tmp_path / "cache", PATH=path, SLURM_ARRAY_TASK_ID=str(number))
        subprocess.run(["bash", "job.sh"], cwd=tmp_path, env=variables, check=True, timeout=400)
    parts = [{file.name for file in (tmp_path / f"results-{n}/records").glob("*.json")} for n in (1, 2)]
    assert all(parts)
    subprocess.run(["bash", "-ec", merge[1]], cwd=tmp_path, check=True)
    assert hashbench(*RUN, "--results", "whole", cwd=tmp_path).returncode == 0
    merged, whole = (
        {file.name: file for file in (tmp_path / name / "records").glob("*.json")} for name in ("results", "whole")
    )
    assert sum(map(len, parts)) == len(merged) == TRIALS, "disjoint"
    assert merged.keys() == whole.keys()
    for name, file in whole.items():
        one, other = (json.loads(path.read_text()) for path in (file, merged[name]))
        assert one["metrics"] == other["metrics"]
        if one["trial"]["bits"] is not None:
            codes = [np.load(path.with_suffix(".npz"))["database_codes"] for path in (file, merged[name])]
            assert np.array_equal(*codes)
    again = hashbench(*RUN, cwd=tmp_path)
    assert f"{TRIALS} of {TRIALS} trials have their record already" in again.stderr


def test_in_python_a_shard_is_an_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "SECONDS_PER_FIGURE", 0.001)
    asked: dict[str, Any] = {"methods": "lsh", "bits": "8,16", "executor": "inline", "results": tmp_path}
    both = [hb.run(**asked, shard=f"{number}/2") for number in (1, 2)]
    assert sum(map(len, both)) == len(hb.results(tmp_path)) == TRIALS
