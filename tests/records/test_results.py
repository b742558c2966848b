"""``hb.results`` of a folder: a name that is mistyped is refused, what nothing has been written to yet is empty."""

from pathlib import Path

import pytest

import hashbench as hb
from hashbench.records.results import results_so_far
from tests.reporting.made_records import failed, make_record, write_records


def test_a_folder_that_is_not_there_is_refused_as_on_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(hb.UsageError, match=r"^no result folder 'reslts'; hashbench run --results makes one$"):
        hb.results("reslts")
    assert len(hb.results(tmp_path)) == 0
    assert len(results_so_far(tmp_path / "not yet")) == 0


def test_a_notebook_shows_counts_and_not_the_records(tmp_path: Path) -> None:
    write_records(tmp_path, [make_record("itq", 16, 0.5), make_record("lsh", 16, 0.4), failed(make_record("x", 8, 0))])
    (tmp_path / "records/damaged.json").write_text("{")
    shown = "<Results of 3 trials: 2 ok, 1 timeout, unreadable files: 1; .frame() is their table>"
    assert repr(hb.results(tmp_path)) == shown
