"""``hashbench reproduce`` and ``hashbench list published``."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hashbench.cli import listing, reproduce
from hashbench.errors import UsageError
from hashbench.reporting.published import figures
from hashbench.reporting.published.figures import FigureTable

TABLE = FigureTable(
    title="digits, pixels",
    source="nobody, 2026",
    setting="200 queries",
    differs="",
    protocol="digits/holdout-200",
    features="pixels",
    metric="map@1000",
    tolerance=0.02,
    why="two runs differ by as much",
    rows={"pcah": {"8": 0.5}},
)


def call(*words: str) -> Result:
    return CliRunner().invoke(reproduce.command, words, standalone_mode=False)


@pytest.fixture
def on_digits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Figures that digits are enough for, and an empty folder to work in."""
    monkeypatch.setattr(figures, "figure_tables", lambda: (TABLE,))
    monkeypatch.chdir(tmp_path)


def test_all_figures_are_listed_with_their_source() -> None:
    done = CliRunner().invoke(listing.command, ["published", "--json"], standalone_mode=False)
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    itq = next(row for row in rows if row["name"] == "itq")
    assert itq["figures"] == {"12": 0.162, "24": 0.169, "32": 0.172, "48": 0.175}
    assert (itq["protocol"], itq["here"]) == ("cifar10/unsupervised-59k", True)
    assert not next(row for row in rows if row["name"] == "greedyhash")["here"]
    assert all(row["source"] for row in rows)


def test_where_data_is_not_here_it_says_what_is_missing_and_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = call("itq", "--data", str(tmp_path))
    assert done.return_value == 3
    *_, missing, run = done.stdout.splitlines()
    assert missing.startswith(f"cannot be run here: CIFAR-10: the folder {tmp_path}/cifar-10-batches-py is not there")
    assert "hashbench data prepare cifar10" in missing
    assert run.startswith("the run: hashbench run --methods itq --bits 12,24,32,48 --datasets cifar10/unsupervised-59k")


@pytest.mark.usefixtures("on_digits")
def test_a_dry_run_runs_nothing_and_says_how_to() -> None:
    done = call("pcah", "--dry-run")
    assert done.return_value == 3
    assert "no record" in done.stdout
    assert done.stdout.splitlines()[-1] == (
        "the run: hashbench run --methods pcah --bits 8 --datasets digits/holdout-200 --features pixels"
    )
    assert not Path("results").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("on_digits")
def test_what_has_no_record_is_run_and_compared() -> None:
    done = call("pcah", "--json")
    assert done.return_value == 1
    (table,) = json.loads(done.stdout)
    (found,) = table["figures"]
    assert (found["verdict"], found["repetitions"], table["missing"]) == ("below", 1, [])
    assert found["gap"] == pytest.approx(found["ours"] - 0.5)
    assert call("pcah", "--dry-run").return_value == 1


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("iqt", "no method named 'iqt'; did you mean 'itq'"),
        ("ste_autoencoder", "no published figures of 'ste_autoencoder' are known here; there are some of bgan, itq"),
        ("bihalf", "there are published figures of 'bihalf' (hashbench list published), and no method of that name"),
    ],
)
def test_a_method_without_figures_is_a_line(name: str, complaint: str) -> None:
    done = call(name)
    assert isinstance(done.exception, UsageError)
    assert complaint in str(done.exception)
