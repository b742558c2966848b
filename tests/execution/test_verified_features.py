"""Feature files are verified once per run: trials in processes of their own tell the run, which tells the next."""

import pickle
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from hashbench.execution import run as run_module
from hashbench.execution.claims import Claims
from hashbench.execution.events import Event, OnEvent
from hashbench.execution.executor import Executor
from hashbench.execution.inline import InlineExecutor
from hashbench.execution.local import LocalExecutor
from hashbench.execution.run import carry_out, make_settings, plan_grids
from hashbench.execution.settings import Settings
from hashbench.features import cache
from hashbench.features.parts import PartedArray, Stamp
from hashbench.planning.grid import Grid
from hashbench.records.trial_spec import PlannedTrial

STAMP = Stamp("sum", 1, 2, 3, 4)


class Telling(Executor):
    """Runs nothing; its trial says that it verified a file."""

    def run(self, trials: Sequence[PlannedTrial], settings: Settings, on_event: OnEvent, _: Claims) -> bool:
        on_event(Event("k", "verified", verified={"folder": STAMP}))
        on_event(Event("k", "note", "a line"))
        self.passed_on = pickle.loads(pickle.dumps(settings)).verified
        return True


@pytest.fixture(autouse=True)
def no_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hashbench.reporting.write.write_reports", lambda *_: [])


def run(settings: Settings, chosen: Executor, bits: tuple[int, ...] = (8,)) -> list[str]:
    """Kinds of the events that reach the caller."""
    kinds: list[str] = []
    plan = plan_grids([Grid(("lsh",), bits, datasets=("digits",))], settings)
    carry_out(plan, settings, chosen, lambda event: kinds.append(event.kind))
    return [kind for kind in kinds if kind != "warning"]  # of a machine that other programs keep busy


def test_what_a_trial_verified_reaches_the_next_one_and_no_listener(tmp_path: Path) -> None:
    telling, settings = Telling(), make_settings(tmp_path, None)
    assert run(settings, telling) == ["note"]
    assert telling.passed_on == settings.verified == {"folder": STAMP}


def test_a_run_in_one_process_reads_the_features_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "SECONDS_TO_SETTLE", -1.0)
    monkeypatch.setattr(run_module, "cache_folder", lambda: tmp_path / "cache")
    checks: list[Path] = []
    check = PartedArray.check

    def watched(array: PartedArray) -> list[int]:
        checks.append(array.folder)
        return check(array)

    monkeypatch.setattr(PartedArray, "check", watched)
    for results in ("first", "second"):
        checks.clear()
        run(make_settings(tmp_path / results, None, rates=False), InlineExecutor(), bits=(8, 16, 24))
        assert len(checks) == 1


def test_trials_in_processes_of_their_own_tell_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "cache_folder", lambda: tmp_path / "cache")
    extracting = make_settings(tmp_path / "first", None, rates=False)
    with monkeypatch.context() as patched:
        patched.setattr(cache, "SECONDS_TO_SETTLE", 1e6)
        run(extracting, InlineExecutor())
    assert extracting.verified == {}
    time.sleep(cache.SECONDS_TO_SETTLE)
    settings = make_settings(tmp_path / "second", None, rates=False)
    run(settings, LocalExecutor())
    assert list(settings.verified) == [str(next((tmp_path / "cache/features").iterdir()))]
