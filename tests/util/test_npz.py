"""Archives that are whole, and archives that are damaged."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hashbench.util.npz import read_npz, write_npz


def test_gives_all_arrays_or_the_named_ones(tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    np.savez(file, codes=np.arange(6, dtype=np.uint8).reshape(2, 3), scores=np.array([0.5, np.nan]))
    both, one = read_npz(file), read_npz(file, ["codes"])
    assert sorted(both) == ["codes", "scores"]
    np.testing.assert_array_equal(both["scores"], [0.5, np.nan])
    np.testing.assert_array_equal(one["codes"], [[0, 1, 2], [3, 4, 5]])


def _member(file: Path, content: bytes) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("items.npy", content)
    return file


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\x93NUMPY\x01\x00\x76\x00{'descr': '<i8', (" + b" " * 118, "header"),
        (b"no array", "items in it is no array of numbers"),
        (b"", "items in it is no array of numbers"),
    ],
)
def test_a_damaged_array_is_one_line(content: bytes, why: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        read_npz(_member(tmp_path / "a.npz", content))
    assert "\n" not in str(caught.value)


def test_text_and_pickles_are_no_numbers(tmp_path: Path) -> None:
    np.savez(tmp_path / "text.npz", items=np.array(["a"]))
    with pytest.raises(ValueError, match="items in it is no array of numbers"):
        read_npz(tmp_path / "text.npz")
    np.savez(tmp_path / "pickle.npz", allow_pickle=True, items=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="Object arrays"):
        read_npz(tmp_path / "pickle.npz")


def test_a_missing_name_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", codes=np.zeros(1))
    with pytest.raises(ValueError, match="items"):
        read_npz(tmp_path / "a.npz", ["items"])
    with pytest.raises(ValueError, match="zip"):
        read_npz(_not_an_archive(tmp_path / "b.npz"))


def _not_an_archive(file: Path) -> Path:
    file.write_bytes(b"PK\x03\x04 and no more")
    return file


@pytest.mark.parametrize("compressed", [True, False])
def test_an_archive_has_the_arrays_and_nothing_else(tmp_path: Path, compressed: bool) -> None:
    """numpy before 2.2 took its own option ``allow_pickle`` for one more array."""
    arrays = {"codes": np.arange(6, dtype=np.uint8).reshape(2, 3), "relevant": np.array([True, False])}
    with (tmp_path / "a.npz").open("wb") as stream:
        write_npz(stream, arrays, compressed)
    with np.load(tmp_path / "a.npz") as archive:
        assert archive.files == list(arrays)
    for name, array in read_npz(tmp_path / "a.npz").items():
        assert array.dtype == arrays[name].dtype
        assert np.array_equal(array, arrays[name])


@pytest.mark.parametrize("array", [np.array([{}], dtype=object), np.array(["a"])])
def test_what_is_no_number_is_not_written(tmp_path: Path, array: Any) -> None:
    with (tmp_path / "a.npz").open("wb") as stream, pytest.raises(ValueError, match="items is no array of numbers"):
        write_npz(stream, {"codes": np.zeros(1), "items": array})
    assert (tmp_path / "a.npz").stat().st_size == 0
