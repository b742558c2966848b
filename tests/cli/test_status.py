"""``hashbench status``: what is done, what failed, who runs what, from the folder alone."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hashbench.util import lease
from hashbench.util.lease import Candidate
from hashbench.util.processes import ProcessName
from tests.cli.conftest import Done, call
from tests.reporting.made_records import failed, make_record, write_records

__all__ = ["call"]

Call = Callable[..., Done]
ELSEWHERE = ProcessName("node7", 7, "a-kernel pid:[1] 99")


def left_by(holder: ProcessName, folder: Path, name: str, **about: object) -> None:
    (folder / f"{name}-0.lease").write_text(json.dumps({"holder": holder._asdict(), "beat": 1, "about": about}))


@pytest.fixture
def leases(tmp_path: Path) -> Path:
    """The leases of a folder with two records, one of which failed."""
    write_records(tmp_path / "results", [make_record("itq", 16, 0.5), failed(make_record("lsh", 16, 0.4))])
    return tmp_path / "results/leases"


def test_failures_come_first_then_what_runs_then_counts(call: Call, leases: Path) -> None:
    held = Candidate(leases, "3fa9c1").take({"trial": "bgan 16 bits", "phase": "fit", "done": 3, "total": 12})
    run = Candidate(leases, "run-1").take({"command": "hashbench run", "trials": 5, "ended": 2, "failed": 1})
    assert held
    assert run
    done = call("status")
    held.release()
    run.release()
    own = ProcessName.own()
    first, *rest = done.out.splitlines()
    trial = "lsh 16 bits on digits/holdout-200, pixels"
    assert first.startswith(f"timeout  {trial}: stopped after its time-out of 5 s (in fit)  (")
    assert rest == [
        f"running  bgan 16 bits: fit 3 of 12  ({own})",
        f"run      2 of 5 trials ended, 1 failed: hashbench run  ({own})",
        "results: 2 trials: 1 timeout, 1 ok, 1 being run",
    ]
    assert done.code == 0


def test_a_program_reads_the_same(call: Call, leases: Path) -> None:
    trial = Candidate(leases, "3fa9c1").take({"trial": "bgan 16 bits"})
    assert trial
    facts = json.loads(call("status", "results", "--json").out)
    trial.release()
    own = ProcessName.own()
    (one,) = facts.pop("failed")
    assert (one["status"], one["reason"]) == ("timeout", "stopped after its time-out of 5 s (in fit)")
    assert facts == {
        "results": "results",
        "trials": {"ok": 1, "timeout": 1},
        "running": [
            {
                "key": "3fa9c1",
                "trial": "bgan 16 bits",
                "holder": {"host": own.host, "process": own.number},
                "state": "running",
            }
        ],
        "runs": [],
        "unreadable": [],
    }


def test_a_run_that_was_killed_is_lost_and_one_elsewhere_is_watched(
    call: Call, leases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = ProcessName.own()
    assert own.birth is not None
    earlier = own._replace(birth=" ".join([*own.birth.split(" ")[:-1], "1"]))
    left_by(earlier, leases, "a", trial="killed")
    for name in ("b", "c", "d"):
        left_by(ELSEWHERE, leases, name, trial=name)

    def sleep(_seconds: float) -> None:
        (leases / "b-0.lease").unlink()
        left_by(ELSEWHERE, leases, "c", trial="c", phase="encode")

    monkeypatch.setattr(lease.time, "sleep", sleep)  # type: ignore[attr-defined]
    out = call("status").out
    assert f"lost     killed  ({earlier})" in out
    assert "running  c: encode  (process 7 on node7)" in out
    assert "silent   d  (process 7 on node7)" in out
    assert " b " not in out
    assert "2 being run\nlost: the process has ended; the next run takes the trial over\n" in out


def test_what_a_lease_says_cannot_command_a_terminal(call: Call, leases: Path) -> None:
    trial = Candidate(leases, "3fa9c1").take({"trial": "\x1b[2J"})
    assert trial
    assert "\x1b" not in call("status").out
    trial.release()


def test_a_folder_without_runs_and_one_that_is_not_there(call: Call, tmp_path: Path) -> None:
    write_records(tmp_path / "old", [make_record("itq", 16, 0.5)])
    assert call("status", "old").out == "old: 1 trial: 1 ok, 0 being run\n"
    missing = call("status", "nowhere")
    assert missing.code == 2
    assert missing.err == "hashbench: no result folder 'nowhere'; hashbench run --results makes one\n"
