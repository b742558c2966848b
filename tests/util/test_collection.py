"""Reading and reporting without the garbage collector."""

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hashbench.cli.main import cli
from hashbench.util.collection import without_collection
from tests.reporting.many_records import write_many


@pytest.fixture
def collections() -> Iterator[list[str]]:
    """Beginnings and ends of collections, which come after a few objects each."""
    phases: list[str] = []

    def seen(phase: str, _info: dict[str, Any]) -> None:
        phases.append(phase)

    threshold = gc.get_threshold()
    gc.callbacks.append(seen)
    gc.set_threshold(10)
    yield phases
    gc.set_threshold(*threshold)
    gc.callbacks.remove(seen)


@pytest.mark.parametrize(
    "words",
    [
        ["leaderboard", "--format", "csv", "--results", "results"],
        ["compare", "results", "results", "--allow-stale"],
        ["check", "--baseline", "baseline.json", "--results", "results", "--allow-stale"],
    ],
    ids=lambda words: words[0],
)
def test_reports_are_made_without_collection(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, collections: list[str]
) -> None:
    write_many(tmp_path / "results", 2, 2, bits=(16,))
    monkeypatch.chdir(tmp_path)
    baseline = ["check", "--baseline", "baseline.json", "--update-baseline", "--allow-stale", "--results", "results"]
    for asked in (baseline, words):  # what is imported makes objects too
        collections.clear()
        done = CliRunner().invoke(cli, asked, standalone_mode=False)
        assert done.exception is None, done.output
    assert len(collections) < 400, "a thousand and more where the collector is on"


def test_a_run_has_what_it_imported_walked_by_no_collection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, collections: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    gc.unfreeze()
    done = CliRunner().invoke(cli, ["run", "--methods", "lsh", "--bits", "8", "--dry-run"], standalone_mode=False)
    assert done.exception is None, done.output
    assert gc.get_freeze_count() > 100_000
    assert gc.isenabled()


def test_the_collector_is_as_it_was_afterwards() -> None:
    with without_collection():
        with without_collection():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
