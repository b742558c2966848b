"""``hb.results`` of a folder: a name that is mistyped is refused, what nothing has been written to yet is empty."""

from pathlib import Path

import pytest

import hashbench as hb
from hashbench.records.results import results_so_far


def test_a_folder_that_is_not_there_is_refused_as_on_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(hb.UsageError, match=r"^no result folder 'reslts'; hashbench run --results makes one$"):
        hb.results("reslts")
    assert len(hb.results(tmp_path)) == 0
    assert len(results_so_far(tmp_path / "not yet")) == 0
