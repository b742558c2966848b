"""The verbs ``submit`` and ``accept``, and ``leaderboard --beside``."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Done
from tests.reporting.made_records import make_record, write_records


@pytest.fixture
def packed(call: Callable[..., Done]) -> Done:
    """Codes of digits, scored into ``results`` and packed as ``mine.zip``."""
    rng = np.random.default_rng(1)
    np.savez("mine.npz", query_codes=rng.random((200, 8)) < 0.5, database_codes=rng.random((1597, 8)) < 0.5)
    assert call("score", "mine.npz", "--protocol", "digits", "--features", "pixels").code == 0
    return call("submit", "results", "-o", "mine.zip", "--paper", "mine=unpublished", "--set", "mine.epochs=4")


def test_what_was_packed_is_scored_into_a_folder_apart(packed: Done, call: Callable[..., Done], tmp_path: Path) -> None:
    first, last = packed.out.splitlines()
    assert (packed.code, first) == (0, "mine 8 bits on digits/holdout-200: features pixels, saw images; unpublished")
    assert last.startswith("mine.zip: 1 codes, ")
    done = call("accept", "mine.zip", "--results", "pub", "--output", "text.md", "--beside", "results")
    (path,) = (tmp_path / "results/records").glob("*-mine-*.json")
    value = f"{json.loads(path.read_text())['metrics']['map@1000']:.3f}"
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        f"mine 8 bits on digits/holdout-200: mAP@1000 {value} (new)",
        "pub/submitted: 1 record, submitted and not reproduced",
    ]
    assert "mine [codes=external, results=results]" in (tmp_path / "text.md").read_text()
    (record,) = json.loads(call("accept", "mine.zip", "--results", "pub", "--json").out)
    assert record["provenance"]["submission"]["paper"] == "unpublished"
    done = call("leaderboard", "pub/submitted", "--beside", "results", "--format", "md")
    assert "mine [codes=submitted, not reproduced, epochs=4]" in done.out


def test_the_card_is_printed_as_json(packed: Done, call: Callable[..., Done]) -> None:
    card = json.loads(call("submit", "--paper", "mine=unpublished", "--json").out)
    assert [entry["method"] for entry in card["entries"]] == ["mine"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("accept", "no.zip"), "hashbench: no.zip cannot be read (No such file or directory); name a file of"),
        (("accept", "no.zip", "--beside", "x"), "hashbench: --beside is of the text that --output FILE.md writes"),
        (("accept", "no.zip", "--output", "no/x.md"), "hashbench: there is no folder 'no' for --output x.md"),
        (("accept", "no.zip", "--output", "x.md", "--beside", "x"), "hashbench: there is no result folder 'x' for"),
        (("submit", "no"), "hashbench: no result folder 'no'"),
        (("submit", "no", "-o", "x.tar"), "hashbench: the submission is to be written to 'x.tar', wanted a name"),
        (("submit", "no", "--paper", "x"), "hashbench: --paper has 'x', wanted METHOD=TEXT"),
        (("leaderboard", "no", "--beside", "x"), "hashbench: no result folder 'no'"),
    ],
)
def test_wrong_use_is_a_line_and_leaves_nothing(
    words: tuple[str, ...], line: str, call: Callable[..., Done], tmp_path: Path
) -> None:
    done = call(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(line)
    assert {path.name for path in tmp_path.iterdir()} <= {"cache"}


def test_own_rows_stand_between_those_of_another_folder(call: Callable[..., Done], tmp_path: Path) -> None:
    write_records(tmp_path / "own", [make_record("mine", 16, 0.5), make_record("mine", 16, 0.4, limit=9)])
    write_records(tmp_path / "published", [make_record("itq", 16, 0.6), make_record("lsh", 16, 0.4)])
    done = call("leaderboard", "own", "--beside", "published", "--format", "json")
    rows = [(row["method"], row["variant"]) for row in json.loads(done.out)]
    assert rows == [("itq", "[results=published]"), ("mine", ""), ("lsh", "[results=published]"), ("mine", "")]
    assert done.err == (
        "hashbench: published: no row that may stand in the table digits/holdout-200, features pixels, first 9 "
        "training items\n"
    )
    assert call("leaderboard", "own", "--results", "own").code == 2
    assert call("leaderboard", "own", "--beside", "no").err.startswith("hashbench: no result folder 'no'")
