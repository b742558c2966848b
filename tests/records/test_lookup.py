"""Records found by their file or by the beginning of their key."""

from pathlib import Path

import pytest

from hashbench.errors import UsageError
from hashbench.records.lookup import find_record, find_records


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A result folder of three records, two of whose keys begin alike."""
    (tmp_path / "records").mkdir()
    for key in ("abc1230000000000", "abd4560000000000", "12ff000000000000"):
        (tmp_path / f"records/digits-holdout_200-abc-32-0-{key}.json").write_text("{}")
    return tmp_path


def test_the_beginning_of_a_key_is_enough(folder: Path) -> None:
    for name, key in (
        ("abc", "abc1230000000000"),
        ("1", "12ff000000000000"),
        ("abd456" + "0" * 10, "abd456" + "0" * 10),
    ):
        assert find_record(name, folder) == folder / f"records/digits-holdout_200-abc-32-0-{key}.json"


def test_a_file_is_taken_as_it_is(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.json"
    file.write_text("{}")
    assert find_record(str(file), folder) == file


@pytest.mark.parametrize("name", ["", "digits", "230000000000", "ffff", "nothing.json"])
def test_what_begins_no_key_is_none(folder: Path, name: str) -> None:
    assert find_record(name, folder) is None
    assert find_record(name, folder / "absent") is None


def test_several_keys_are_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"2 records of .* have keys that start with 'ab'; give more of the key"):
        find_record("ab", folder)


def test_a_folder_among_records_is_told_from_a_key(folder: Path) -> None:
    with pytest.raises(UsageError, match="is a folder, wanted a record; name a result folder with --results"):
        find_records([str(folder)], folder)
    with pytest.raises(UsageError, match="no record ''"):
        find_records([""], folder)
