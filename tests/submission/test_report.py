"""The comment on a submission: figures, what changed, flags, tables and tied ranks."""

from pathlib import Path

from hashbench.submission.accept import accept
from hashbench.submission.report import report


def test_the_report_has_figures_changes_flags_and_tables(archive: Path, results: Path, tmp_path: Path) -> None:
    accepted = accept(archive, tmp_path / "pub", device="cpu")
    text = report(archive, accepted, tmp_path / "pub/submitted", [results])
    assert text.startswith("# Submission mine.zip: submitted, not reproduced\n")
    assert "| mine | Doe, A method, CVPR 2026 | images | 12 | digits/holdout-200 | 0.10" in text
    assert "| classes | unpublished | labels | 10 | digits/holdout-200 | 1.000 | new |" in text
    assert "* **flagged**: classes 10 bits on digits/holdout-200: 100% of its items" in text
    assert "mine [codes=submitted, not reproduced]" in text
    assert "mine [codes=external, results=results]" in text


def test_rows_that_nothing_tells_apart_are_named_as_tied(archive: Path, results: Path, tmp_path: Path) -> None:
    accepted = accept(archive, tmp_path / "pub", device="cpu")
    text = report(archive, accepted, tmp_path / "pub/submitted", [results])
    shared = "mine [codes=external, results=results], mine [codes=submitted, not reproduced]"
    assert f"* rank 1: {shared}" in text
    again = accept(archive, tmp_path / "pub", device="cpu")
    alone = report(archive, again, tmp_path / "pub/submitted")
    assert "Tied" not in alone
    assert "| as before |" in alone
