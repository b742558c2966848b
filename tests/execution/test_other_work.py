"""What other programs take of the cores, against work whose amount is known."""

import os
import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hashbench.execution import other_work
from hashbench.execution.other_work import OtherWork
from hashbench.execution.run import run
from hashbench.records.results import results
from hashbench.util.threads import crowded, usable_cores

BUSY = "import time; end = time.process_time() + 0.5\nwhile time.process_time() < end: pass"


def stat(folder: Path, *ticks: int) -> None:
    """A machine of two cores, which were busy for so many hundredths of a second in all, each in its own way."""
    user, stolen = ticks
    lines = ["cpu  9 9 9 9 9 9 9 9 0 0"]
    lines += [f"cpu{n} {user if n == one else 0} 0 0 777 55 0 0 {stolen if n == one else 0} 0 0" for n in range(99)]
    (folder / "stat").write_text("\n".join([*lines, "ctxt 5"]))


one = min(os.sched_getaffinity(0))


def test_busy_cores_without_own_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_work, "PROC", tmp_path)
    clock, own = iter([100.0, 104.0]), iter([7.0, 8.0])
    monkeypatch.setattr("hashbench.execution.other_work.time.monotonic", lambda: next(clock))
    monkeypatch.setattr(other_work, "_own_seconds", lambda: next(own))
    hundredths = os.sysconf("SC_CLK_TCK")
    stat(tmp_path, 10 * hundredths, 0)
    others = OtherWork(next(clock), other_work._seconds_of_all(), next(own))
    stat(tmp_path, 12 * hundredths, hundredths)
    assert others.cores() == pytest.approx((2 + 1 - 1) / 4)


def test_own_children_are_no_other_programs_while_they_run_and_after() -> None:
    def seconds(more: int) -> float:
        before = other_work._own_seconds()
        running = [subprocess.Popen([sys.executable, "-c", f"{BUSY}\ntime.sleep(60)"]) for _ in range(more)]
        subprocess.run([sys.executable, "-c", BUSY], check=True)
        while running and other_work._own_seconds() - before < 0.5 * (1 + more):
            time.sleep(0.02)
        took = other_work._own_seconds() - before
        for process in running:
            process.kill()
            process.wait()
        return took

    assert 0.45 <= seconds(0) < 0.9  # the system counts hundredths of a second, and rounds down
    assert 0.95 <= seconds(1) < 1.6


@pytest.mark.parametrize("missing", ["no /proc", "too short"])
def test_none_where_nothing_can_be_said(missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if missing == "no /proc":
        monkeypatch.setattr(other_work, "PROC", tmp_path)
        monkeypatch.setattr(other_work, "SHORTEST", 0.0)
    assert OtherWork().cores() is None


def test_it_is_never_negative_nor_above_the_cores_and_travels_to_other_processes() -> None:
    others = pickle.loads(pickle.dumps(OtherWork(time.monotonic() - 1, 0.0, other_work._own_seconds())))
    assert others.cores() == usable_cores()
    assert OtherWork(time.monotonic() - 1, 1e12, 0.0).cores() == 0.0


@pytest.mark.parametrize(
    ("others", "threads", "cores", "expected"),
    [(0.2, 2, 2, False), (0.4, 2, 2, True), (1.0, 1, 2, False), (40.0, 8, 64, False), (1.0, 64, 64, True)],
)
def test_too_few_cores(others: float, threads: int, cores: int, expected: bool) -> None:
    assert crowded(others, threads, cores) is expected
    assert not crowded(None, threads, cores)


@pytest.mark.parametrize(("threads", "advice"), [(None, ", and --threads 1 is faster"), (1, "")])
def test_a_run_says_first_that_the_machine_is_busy(
    threads: int | None,
    advice: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cores = usable_cores()
    monkeypatch.setattr(OtherWork, "cores", lambda _: cores - 0.4)
    options: dict[str, Any] = {"results": tmp_path, "executor": "inline", "rates": False, "progress": True}
    run(methods=["lsh"], bits=[8], threads=threads, **options)
    advice = advice if cores > 1 else ""
    line = f"other programs keep {cores - 0.4:.1f} of {cores} cores busy: times mean little{advice}\n"
    assert capsys.readouterr().err.startswith(line)
    monkeypatch.setattr(OtherWork, "cores", lambda _: 0.0)
    run(methods=["lsh"], bits=[9], threads=threads, **options)
    assert "other programs" not in capsys.readouterr().err
    (kept,) = {
        record["environment"]["other_cores"] for record in results(tmp_path).records if record["trial"]["bits"] == 9
    }
    assert kept == 0.0
