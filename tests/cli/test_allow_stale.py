"""Results that today's code would not make, and the option ``--allow-stale``, in the verbs that judge results."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hashbench.records.outdated import Outdated
from hashbench.records.results import Results
from tests.cli.conftest import Done
from tests.reporting.result_folder import ResultFolder

Call = Callable[..., Done]


@pytest.fixture(autouse=True)
def stale(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every record that has sources is of earlier ones."""

    def find(results: Results) -> dict[str, Outdated]:
        why = Outdated("stale", "methods/itq.py changed")
        return {record["key"]: why for record in results.records if record["fingerprint"]["sources"]}

    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr("hashbench.replay.gates.outdated_records", find)


@pytest.fixture
def folders(tmp_path: Path) -> None:
    """Three rounds of the same values in ``new`` and, of earlier sources, in ``old``."""
    for name, sources in (("new", {}), ("old", {"methods/itq.py": "1" * 16})):
        made = ResultFolder(tmp_path / name)
        for repetition in range(3):
            record = made.add(0.5, ap=np.full(20, 0.5), repetition=repetition, sources=sources)
            made.add_rates(record)


@pytest.mark.parametrize(
    "words",
    [
        ("check", "--baseline", "b.json", "--results", "old"),
        ("check", "--throughput", "new", "--results", "old"),
        ("compare", "new", "old"),
    ],
)
def test_stale_results_fail_unless_they_are_allowed(call: Call, folders: None, words: tuple[str, ...]) -> None:
    assert call("check", "--baseline", "b.json", "--results", "new", "--update-baseline").code == 0
    done = call(*words)
    assert done.code == 1
    cell, reason = "itq 16 bits on digits/holdout-200, features pixels", "methods/itq.py changed"
    lines = [line for line in done.out.splitlines() if cell in line and reason in line]
    assert len(lines) == 1, done.out
    assert lines[0].startswith("stale: ") or f"{cell}: stale: B: " in lines[0]
    assert "hashbench run --rerun stale makes" in done.out
    assert json.loads(call(*words, "--json").out)["counts"] == {"stale": 1}
    assert call(*words, "--allow-stale").code == 0
    assert "stale" not in json.loads(call(*words, "--allow-stale", "--json").out)["counts"]


def test_a_baseline_is_made_of_what_todays_code_makes(call: Call, folders: None, tmp_path: Path) -> None:
    words = ("check", "--baseline", "b.json", "--results", "old", "--update-baseline")
    done = call(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "hashbench: itq 16 bits: stale: methods/itq.py changed; run it again (--rerun stale), move its records away, "
        "or say --allow-stale\n"
    )
    assert not (tmp_path / "b.json").exists()
    assert call(*words, "--allow-stale").code == 0
