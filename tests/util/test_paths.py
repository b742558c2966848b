"""The folder of the data sets, as options and environment name it."""

from pathlib import Path

import pytest

from hashbench.errors import UsageError
from hashbench.util.paths import data_folder, future_data_folder


def test_a_tilde_that_no_shell_has_read_is_the_users_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HASHBENCH_DATA", "~/sets")
    assert future_data_folder(None) == tmp_path / "sets"
    (tmp_path / "sets").mkdir()
    assert data_folder(None) == data_folder("~/sets") == tmp_path / "sets"
    with pytest.raises(UsageError, match="data folder '~nobody-here/sets': there is no such home"):
        data_folder("~nobody-here/sets")


def test_a_data_folder_that_is_a_file_is_called_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HASHBENCH_DATA", raising=False)
    (tmp_path / "data").touch()
    assert data_folder(None) == tmp_path / "data"  # nobody named it, and digits needs none
    with pytest.raises(UsageError, match=r"data folder 'data' \(--data\) is a file, wanted a folder"):
        data_folder("data")
    with pytest.raises(UsageError, match=r"data folder 'nowhere' \(--data\) is not there; make it"):
        data_folder("nowhere")
