"""``hashbench run --suite``, ``list suites`` and ``show SUITE``."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import hashbench as hb
from tests.cli.conftest import Done

ROTATIONS = """
title = "What iterations are worth"
why = "They cost time."

[grid]
methods = ["itq"]
bits = [16]
datasets = ["digits"]

[[runs]]
methods = ["lsh"]

[[runs]]

[[runs]]
parameters.itq = {iterations = 1}
"""


@pytest.fixture
def rotations(tmp_path: Path) -> Path:
    """A suite's file in the folder in which ``call`` calls."""
    (tmp_path / "rotations.toml").write_text(ROTATIONS)
    return tmp_path / "rotations.toml"


def test_a_suite_runs_into_one_leaderboard_and_is_not_run_again(call: Callable[..., Done], rotations: Path) -> None:
    words = ("run", "--suite", "rotations.toml", "--limit", "300", "--bits", "8")
    done = call(*words, "--executor", "inline")
    assert done.code == 0
    rows = [line.split("8 bits")[0].split("  ") for line in done.out.splitlines()]
    named = {part.strip() for row in rows for part in row}
    assert {"itq", "itq [iterations=1]", "lsh", "reference-float", "reference-random"} <= named
    assert done.out.count("mAP@1000 on digits/holdout-200") == 1
    assert "first 300" in done.out
    assert call(*words, "--dry-run").out.endswith("0 of 5 trials to run\n")
    assert call(*words, "--dry-run", "--rerun", "all").out.splitlines()[-1].startswith("5 of 5 trials to run, about")
    results = hb.run(suite=rotations, limit=300, bits=8)
    assert len(results.records) == 5
    assert {tuple(record["variant"].items()) for record in results.records} == {(), (("iterations", 1),)}


def test_a_dry_run_tells_the_runs_apart(call: Callable[..., Done], rotations: Path) -> None:
    done = call("run", "--suite", "rotations.toml", "--dry-run")
    assert "run   itq 16 bits on digits/holdout-200, pixels  (missing)" in done.out
    assert "run   itq 16 bits on digits/holdout-200, pixels, iterations=1  (missing)" in done.out


def test_only_what_is_typed_changes_a_suite(call: Callable[..., Done], rotations: Path) -> None:
    rotations.write_text(ROTATIONS.replace("[grid]", "[grid]\nseed = 5\nrepeats = 2\nlimit = 300"))

    def trials(*words: str) -> list[tuple[str, int, int, int, object]]:
        rows = json.loads(call("run", "--suite", "rotations.toml", "--dry-run", "--json", *words).out)
        asked = [row["trial"] for row in rows if row["trial"]["method"] == "itq"]
        return [(t["features"], t["seed"], t["repetition"], t["limit"], t["parameters"]["iterations"]) for t in asked]

    assert trials() == [("pixels", 5, repetition, 300, i) for i in (50, 1) for repetition in (0, 1)]
    assert trials("--repeats", "1", "--seed", "0", "--limit", "200") == [("pixels", 0, 0, 200, i) for i in (50, 1)]
    assert trials("--repeats", "1", "--features", "pixels@4", "--set", "itq.iterations=3") == [
        ("pixels@4", 5, 0, 300, 3)
    ]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--suite", "rotation.toml"), "hashbench: suite rotation.toml cannot be read"),
        (("--suite", "rotations"), "hashbench: no suite named 'rotations'"),
        (("--suite", "rotations.toml", "--methods", "itq"), "hashbench: methods itq are named beside the suite"),
        (
            ("--suite", "rotations.toml", "--set", "pcah.x=1"),
            "hashbench: suite rotations: parameters asked for beside it name 'pcah'",
        ),
        (("--suite", "rotations.toml", "--set", "lsh.x=1"), "hashbench: no parameter of lsh named 'x'"),
        (("--suite", "rotations.toml", "--preset", "fast"), "hashbench: no preset of these methods named 'fast'"),
    ],
)
def test_a_suite_that_cannot_be_run_gets_one_line(
    call: Callable[..., Done], rotations: Path, words: tuple[str, ...], line: str
) -> None:
    done = call("run", *words)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith(line), done.err
    assert not (rotations.parent / "results").exists()


@pytest.mark.parametrize(
    ("words", "option"), [(("--bits", "8"), "'--methods'"), (("--methods", "lsh"), "'--bits'"), ((), "'--methods'")]
)
def test_without_a_suite_methods_and_bits_are_required(
    call: Callable[..., Done], words: tuple[str, ...], option: str
) -> None:
    done = call("run", *words)
    assert done.code == 2
    assert done.err.endswith(f"Error: Missing option {option}.\n")


def test_in_python_too_only_a_suite_does_without_methods(rotations: Path) -> None:
    with pytest.raises(hb.UsageError, match="run needs methods"):
        hb.run(bits=8)
    with pytest.raises(hb.UsageError, match="methods itq are named beside the suite"):
        hb.run(suite=rotations, methods="itq")


def test_suites_are_listed_with_their_titles(call: Callable[..., Done]) -> None:
    listed = call("list", "suites").out.splitlines()
    assert any(line.startswith("bgan-paper ") and "with its paper's networks" in line for line in listed)
    rows = json.loads(call("list", "suites", "--json").out)
    assert {"name", "summary", "origin", "needs", "time"} <= set(rows[0])
    assert any(
        "needs hashbench data prepare cifar10; " in line and "time: 1 h 10 min on two" in line for line in listed
    )
    assert [row["name"] for row in rows] == [line.split()[0] for line in listed]


def test_a_suite_is_shown_with_its_runs(call: Callable[..., Done], rotations: Path) -> None:
    shown = json.loads(call("show", "rotations.toml", "--json").out)
    assert (shown["suite"], shown["title"], shown["why"]) == (
        "rotations",
        "What iterations are worth",
        "They cost time.",
    )
    assert shown["grid"] == {"bits": [16], "datasets": ["digits"]}
    assert shown["runs"] == {
        "0": {"methods": ["lsh"]},
        "1": {"methods": ["itq"]},
        "2": {"methods": ["itq"], "itq.iterations": 1},
    }
    rotations.write_text(rotations.read_text().replace("iterations = 1", "iterations = 0.5"))
    assert "runs[2]: parameter itq.iterations is 0.5" in call("run", "--suite", "rotations.toml", "--dry-run").err
    first = call("run", "--suite", "bgan-leaderboard", "--dry-run").err.splitlines()[0]
    assert first.startswith("suite bgan-leaderboard needs hashbench data prepare cifar10; ")
    text = call("show", "bgan-paper").out
    assert "\nneeds: hashbench data prepare cifar10, and a GPU; " in text
    assert "bits: 12, 24, 32, 48\n" in text
    assert "bgan.encoder: vgg19\n" in text
    assert "runs" not in call("show", "bgan-leaderboard").out
    both = json.loads(call("show", "embeddings", "--json").out)
    assert both["data set"] == "embeddings"
    assert both["suite"]["grid"]["relevance"] == "neighbours"
    gist = json.loads(call("show", "gist", "--json").out)
    assert (gist["features"], "grid" in gist["suite"]) == ("gist", True)
    said = call("show", "bgan-papre").err
    assert "did you mean 'bgan-paper'" in said
    assert re.search(r"there are: methods agh.*; data sets .*embeddings.*; features .*gist.*; suites .*gist", said)
