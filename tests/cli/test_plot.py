"""The verb ``plot``: what it draws, what it prints, how it ends."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hashbench.records.store import Store
from hashbench.records.trial_spec import PlannedTrial, TrialSpec
from hashbench.reporting.figures.kinds import KINDS
from tests.cli.conftest import Done
from tests.reporting.made_records import CARD, failed, make_record


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """itq and lsh at 8 bits on two protocols, in ``results`` where the command is called."""
    store = Store(tmp_path / "results")
    store.prepare()
    for protocol in ("digits/holdout-200", "digits/other"):
        for method in ("itq", "lsh"):
            record = make_record(method, 8, 0.5, protocol=protocol)
            record["training"] = {"epochs": []}
            store.write_record(PlannedTrial(TrialSpec(**record["trial"]), record["fingerprint"], CARD, ""), record)
    return store.root


def test_all_kinds_that_have_something_are_drawn_and_their_paths_printed(
    call: Callable[..., Done], results: Path, tmp_path: Path
) -> None:
    done = call("plot")
    assert done.code == 0
    files = [tmp_path / line for line in done.out.splitlines()]
    assert sorted(files) == sorted((results / "figures").iterdir())
    kinds = ("precision_recall", "map_by_bits", "precision_at_k")
    assert [file.name.partition("-")[0] for file in files] == [kind for kind in kinds for _ in range(4)]
    assert {file.suffix for file in files} == {".png", ".svg"}
    assert done.err.splitlines() == [
        "hashbench: recall-by-m: nothing to draw, no record has a curve of the neighbours",
        "hashbench: throughput: nothing to draw, no record has rates of encoding or search",
        "hashbench: training: nothing to draw, no method recorded epochs",
    ]


def test_kinds_tables_rows_and_formats_can_be_chosen(call: Callable[..., Done], results: Path, tmp_path: Path) -> None:
    words = ("--datasets", "digits/other", "--methods", "i*", "--format", "svg", "--out", "paper/figures")
    done = call("plot", "map-by-bits", *words)
    (line,) = done.out.splitlines()
    assert (done.code, done.err) == (0, "")
    assert line.startswith("paper/figures/map_by_bits-digits_other-pixels-")
    text = (tmp_path / line).read_text()
    assert "digits/other" in text
    assert ">itq<" in text
    assert ">lsh<" not in text


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (("trainin",), 2, "hashbench: no kind of figure named 'trainin'; did you mean 'training'?"),
        (("--format", "pgn"), 2, "hashbench: no format of figures named 'pgn'; did you mean 'png'?"),
        (("--format", ","), 2, "hashbench: no format of figures given; wanted some of png, svg"),
        (("--out", "results/records/cut"), 2, "hashbench: results/records/cut cannot be written (File exists); name"),
        (("--methods", "itk"), 2, "hashbench: no method in these results named 'itk'; did you mean 'itq'?"),
        (("--datasets", "digit"), 2, "hashbench: no data set or protocol named 'digit'; did you mean 'digits'?"),
        (("training",), 3, "hashbench: training: nothing to draw, no method recorded epochs"),
        (("--results", "nowhere"), 2, "hashbench: no result folder 'nowhere'; hashbench run --results makes one"),
    ],
)
def test_figures_that_cannot_be_drawn_are_one_line_and_nothing_is_written(
    call: Callable[..., Done], results: Path, words: tuple[str, ...], code: int, line: str
) -> None:
    (results / "records" / "cut").write_text("in the way")
    done = call("plot", *words)
    assert (done.code, done.out, done.err.count("\n")) == (code, "", 1)
    assert done.err.startswith(line)
    assert not (results / "figures").exists()
    assert not (results.parent / "nowhere").exists()


def test_the_help_names_every_kind(call: Callable[..., Done]) -> None:
    assert f"Kinds: {', '.join(KINDS)}" in call("plot", "--help").out


def test_failures_alone_are_nothing_to_draw(call: Callable[..., Done], tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    store.prepare()
    record = failed(make_record("itq", 8, 0.5))
    store.write_record(PlannedTrial(TrialSpec(**record["trial"]), record["fingerprint"], CARD, ""), record)
    done = call("plot")
    assert (done.code, done.out, done.err.count("\n")) == (3, "", 6)


def test_a_damaged_record_is_named_and_the_others_are_drawn(call: Callable[..., Done], results: Path) -> None:
    (results / "records" / "cut.json").write_text('{"format": 2, "tri')
    done = call("plot", "map-by-bits")
    assert done.code == 0
    assert len(done.out.splitlines()) == 4
    assert "cut.json" in done.err
