"""Executors by name: those that ship, and somebody else's, found by an entry point."""

from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

import hashbench as hb
from hashbench.errors import UsageError
from hashbench.execution import executors
from hashbench.execution.claims import Claims
from hashbench.execution.cluster import executor as cluster_executor
from hashbench.execution.events import OnEvent
from hashbench.execution.executor import Executor
from hashbench.execution.executors import GROUP, SHIPPED, executor
from hashbench.execution.inline import InlineExecutor
from hashbench.execution.run import make_settings
from hashbench.execution.settings import Settings
from hashbench.execution.slots import SlotOptions
from hashbench.records.trial_spec import PlannedTrial


class Noting(InlineExecutor):
    """Somebody else's: it says how many trials it was given."""

    takes_address = True
    given: list[tuple[int, str | None]] = []  # noqa: RUF012 - of the class, for the test to read

    def run(self, trials: Sequence[PlannedTrial], settings: Settings, on_event: OnEvent, claims: Claims) -> bool:
        self.given.append((len(trials), settings.address))
        return super().run(trials, settings, on_event, claims)


NOT_ONE = "text"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel with executors: one that works, one of a name that ships, and some that cannot be used."""
    values = {"noting": f"{__name__}:Noting", "text": f"{__name__}:NOT_ONE", "gone": "no_such_module:X"}
    entries = [EntryPoint(name, value, GROUP) for name, value in {**values, "inline": "theirs:Inline"}.items()]
    monkeypatch.setattr(executors, "entry_points", lambda group: entries if group == GROUP else [])


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_is_there(name: str, tmp_path: Path) -> None:
    if name == "ray":
        pytest.importorskip("ray", reason="ray is not installed")
    assert isinstance(executor(name, make_settings(tmp_path, tmp_path, "cpu")), Executor)


@pytest.mark.usefixtures("installed")
def test_somebody_elses_executor_runs_a_grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hashbench.reporting.write.write_reports", lambda *_: [])
    made = hb.run(
        methods="lsh", bits=8, executor="noting", address="there", device="cpu", rates=False, results=tmp_path / "r"
    )
    assert [record["status"] for record in made.records] == ["ok"] * 3
    assert Noting.given == [(3, "there")]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "notin",
            r"^no executor named 'notin'; did you mean 'noting'\? \(there are: gone, inline, local, noting, ray, ",
        ),
        ("text", r"^executor 'text' \(.*:NOT_ONE\) is no subclass of Executor$"),
        ("gone", r"^executor 'gone' \(no_such_module:X\) does not import: ModuleNotFoundError: No module named"),
        (
            "inline",
            r"^executor 'inline' is there more than once: hashbench.*:InlineExecutor, theirs:Inline; rename one$",
        ),
    ],
)
def test_one_that_cannot_be_used_is_a_line(name: str, line: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=line):
        executor(name, make_settings(tmp_path, tmp_path, "cpu"))


@pytest.mark.parametrize("name", ["local", "inline"])
def test_an_address_goes_with_an_executor_that_takes_one(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=rf"^address is 'host:1', and --executor {name} takes none; leave it out, or"):
        hb.run(methods="lsh", bits=8, executor=name, address="host:1", results=tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_without_ray_a_line_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_executor, "find_spec", lambda _name: None)
    line = r"^--executor ray needs the package ray, which is not here: pip install 'hashbench\[ray\]'$"
    with pytest.raises(UsageError, match=line):
        hb.run(methods="lsh", bits=8, executor="ray", results=tmp_path / "r")
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"gpus": "0"}, "gpus is '0', which names GPUs of this machine; with --executor ray name --gpus all"),
        ({"device": "cuda:1"}, "device is 'cuda:1', and ray says which GPU a trial gets; use cuda"),
        ({"address": "ray://host:1"}, "address is 'ray://host:1', of ray's client; run the command on a machine of"),
    ],
)
def test_what_ray_cannot_keep_is_a_line(options: dict[str, Any], line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_executor, "find_spec", lambda _name: object())
    given = {"device": "cpu", "address": None, **options}
    asked = SlotOptions(gpus=options["gpus"]) if "gpus" in options else SlotOptions()
    settings = Settings(Path(), Path(), Path(), device=given["device"], address=given["address"], asked=asked)
    with pytest.raises(UsageError, match=f"^{line}"):
        executor("ray", settings)
