"""The gate drill: ways to break a method, each of which ``check`` has to fail with a line that names the cause."""

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hashbench import methods
from hashbench.execution import measure
from hashbench.execution.executors import executor
from hashbench.execution.run import make_settings, plan_grids, run_trials
from hashbench.planning.grid import Grid
from hashbench.replay.gates import new_baseline
from hashbench.reporting.regression.baseline_file import write_baseline
from tests.cli.conftest import Done, call

__all__ = ["call"]

Call = Callable[..., Done]
NAME = "drilled"
METHOD = '''"""Random projections, of which a helper may spoil a share."""

from typing import Self

import torch
from torch import Tensor

from hashbench.method import HashMethod, RunContext, TrainingSet, Traits
from hashbench.methods._drilled_helper import spoilt


class Drilled(HashMethod):
    traits = Traits()

    def __init__(self, bits: int, noise: float = 0.0) -> None:
        super().__init__(bits)
        self.noise = noise

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        self.mean_ = train.features.mean(0)
        self.projection_ = torch.randn(len(self.mean_), self.bits, generator=run.generator)
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return spoilt((batch - self.mean_) @ self.projection_, self.noise) > 0
'''
HELPER = '''"""The helper of a method, beside it and no method itself."""

from torch import Tensor


def spoilt(values: Tensor, share: float) -> Tensor:
    values = values.clone()
    values[:, : round(share * values.shape[1])] = -1.0
    return values
'''
CELL = rf"{NAME} 16 bits on digits/holdout-200, features pixels, first 200 training items"


class Drill:
    """A plugin root with one method, its results and their baseline, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.results = folder, folder / "results"
        self.method, self.helper = (folder / f"plugins/methods/{name}.py" for name in (NAME, "_drilled_helper"))

    def edit(self, file: Path, old: str, new: str) -> None:
        source = file.read_text()
        assert old in source
        file.write_text(source.replace(old, new))
        forget_plugins()

    def spoil(self) -> None:
        """Make three quarters of the bits the same for all."""
        self.edit(self.method, "self.noise) > 0", "0.75) > 0")

    def run(self, name: str = NAME, results: str = "results", timeout: float | None = None, **asked: Any) -> None:
        """As ``hashbench run`` does, without reports."""
        settings = make_settings(self.folder / results, None, "cpu", timeout, save_state=False)
        grid = Grid(**{"methods": (name,), "bits": (16,), "repeats": 3, "limit": 200, "datasets": ("digits",), **asked})
        plan = plan_grids([grid], settings)
        run_trials(plan, settings, executor("local" if timeout else "inline", settings), lambda _event: None)

    def start_anew(self, **asked: Any) -> None:
        """Run into an empty folder of the same name."""
        shutil.rmtree(self.results)
        self.run(**asked)


def forget_plugins() -> None:
    """Make the next use of the drill's plugins import them again, as the next command would."""
    for module in [module for module in sys.modules if "drilled" in module]:
        del sys.modules[module]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    """Results and baseline of the method as it should be; not to be written to."""
    drill = Drill(tmp_path_factory.mktemp("whole"))
    drill.method.parent.mkdir(parents=True)
    drill.method.write_text(METHOD)
    drill.helper.write_text(HELPER)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)  # edits of one second would go unseen
        patch.setattr(measure, "SECONDS_PER_FIGURE", 0.001)
        patch.setattr(methods, "__path__", [*methods.__path__, str(drill.method.parent)])
        patch.setenv("HASHBENCH_CACHE", str(drill.folder / "cache"))
        drill.run()
        write_baseline(new_baseline(drill.results), drill.folder / "b.json")
    yield drill
    forget_plugins()


@pytest.fixture
def drill(whole: Drill, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> Drill:
    """A copy of it to break."""
    shutil.copytree(whole.folder, tmp_path, dirs_exist_ok=True)
    drill = Drill(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(measure, "SECONDS_PER_FIGURE", 0.001)
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(drill.method.parent)])
    monkeypatch.setenv("HASHBENCH_PLUGINS", str(tmp_path / "plugins"))
    monkeypatch.setenv("COLUMNS", "300")
    forget_plugins()
    return drill


def code(drill: Drill) -> None:
    drill.spoil()
    drill.run(rerun="stale")


def default(drill: Drill) -> None:
    drill.edit(drill.method, "noise: float = 0.0", "noise: float = 0.75")
    drill.run()


def default_not_run(drill: Drill) -> None:
    drill.edit(drill.method, "noise: float = 0.0", "noise: float = 0.75")


def default_that_crashes(drill: Drill) -> None:
    drill.edit(drill.method, "noise: float = 0.0", "noise: float = 1e9")
    drill.edit(drill.method, "        self.mean_ =", "        assert self.noise < 2, 'too much'\n        self.mean_ =")
    drill.run()


def helper(drill: Drill) -> None:
    drill.edit(drill.helper, "= -1.0", "= -2.0")


def crash(drill: Drill) -> None:
    drill.edit(drill.method, "        self.mean_ =", "        raise ValueError('boom')\n        self.mean_ =")
    drill.run(rerun="stale")


def time_out(drill: Drill) -> None:
    drill.edit(drill.method, "        self.mean_ =", "        import time; time.sleep(60)\n        self.mean_ =")
    drill.start_anew(repeats=1, timeout=3.0)


def renamed(drill: Drill) -> None:
    drill.method.rename(drill.method.with_name("drilled_anew.py"))
    forget_plugins()
    drill.run("drilled_anew")


def removed(drill: Drill) -> None:
    drill.method.unlink()
    forget_plugins()


def removed_and_run_anew(drill: Drill) -> None:
    removed(drill)
    drill.start_anew(name="lsh")


def does_not_import(drill: Drill) -> None:
    drill.edit(drill.method, "import torch\n", "import torch\nimport a_module_that_nobody_has\n")


def fewer_seeds(drill: Drill) -> None:
    drill.start_anew(repeats=2)


def other_features(drill: Drill) -> None:
    drill.start_anew(features="pixels@4")


def stale_folder(drill: Drill) -> None:
    drill.spoil()
    drill.run()


def empty_folder(drill: Drill) -> None:
    shutil.rmtree(drill.results)
    drill.results.mkdir()


def mixed_folders(drill: Drill) -> None:
    drill.edit(drill.method, ") > 0", ") >= 0")
    drill.run(results="new", repeats=1)
    shutil.copytree(drill.folder / "new", drill.results, dirs_exist_ok=True)


BREAKS: dict[Callable[[Drill], None], str] = {
    code: rf" *{NAME} +16 +0\.\d+ +0\.\d+ +-0\.\d+ +0\.0020 += 3 +regressed",
    default: rf"{NAME} 16 bits: defaults changed since the baseline: noise 0\.0 -> 0\.75",
    default_not_run: rf"superseded: {CELL}: the default of noise is 0\.75, the record has 0\.0",
    default_that_crashes: rf"failed: {CELL}: failed in fit: too much",
    helper: rf"stale: {CELL}: methods/_drilled_helper\.py changed",
    crash: rf"failed: {CELL}: failed in fit: boom",
    time_out: rf"failed: {CELL}: timeout in \w+: stopped after its time-out of 3 s",
    renamed: rf"gone: {CELL}: no method named '{NAME}'",
    removed: rf"gone: {CELL}: no method named '{NAME}'",
    removed_and_run_anew: rf"gone: {CELL}: not in the results, and no method named '{NAME}'",
    does_not_import: rf"gone: {CELL}: method '{NAME}' \(.*\) does not import: ModuleNotFoundError: No module",
    fewer_seeds: rf"missing: {CELL}: 2 repetitions, the baseline has 3; run with --repeats 3, or check",
    other_features: rf"missing: {CELL}: what the results have cannot be compared: other features: pixels / pixels@4",
    stale_folder: rf"stale: {CELL}: methods/{NAME}\.py changed",
    mixed_folders: rf"stale: {CELL}: 2 of 3 repetitions: methods/{NAME}\.py changed",
}


def test_an_unbroken_method_passes(drill: Drill, call: Call) -> None:
    done = call("check", "--baseline", "b.json")
    assert (done.code, done.err) == (0, ""), done.out


@pytest.mark.parametrize("break_it", BREAKS, ids=lambda one: one.__name__)
def test_a_broken_method_fails_with_its_cause(drill: Drill, call: Call, break_it: Callable[[Drill], None]) -> None:
    break_it(drill)
    done = call("check", "--baseline", "b.json")
    assert done.code == 1, done.out
    assert any(re.match(BREAKS[break_it], line) for line in done.out.splitlines()), done.out


def test_an_empty_folder_is_nothing_to_compare(drill: Drill, call: Call) -> None:
    empty_folder(drill)
    done = call("check", "--baseline", "b.json")
    assert (done.code, done.out.splitlines()[0]) == (3, "results has no records of trials")
