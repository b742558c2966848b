"""Files of vectors: every format gives the same rows, mapped where they can be; what is no such file is one line."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.parquet
import pytest
import safetensors.numpy

from hashbench.data.vector_files import StackedVectors, VectorFile
from hashbench.errors import UsageError
from hashbench.util.progress import no_log

ROWS = np.random.default_rng(0).standard_normal((40, 6)).astype(np.float32)
Writer = Callable[[Path, npt.NDArray[Any]], None]


def npy(file: Path, rows: npt.NDArray[Any]) -> None:
    np.save(file, rows)


def npz(file: Path, rows: npt.NDArray[Any]) -> None:
    np.savez_compressed(file, anything=rows, labels=np.arange(len(rows)))


def tensors(file: Path, rows: npt.NDArray[Any]) -> None:
    safetensors.numpy.save_file({"labels": np.arange(len(rows)), "emb": rows}, file)


def hdf5(file: Path, rows: npt.NDArray[Any]) -> None:
    with h5py.File(file, "w") as content:
        content["train"], content["test"] = rows, rows[:3]


def chunked_hdf5(file: Path, rows: npt.NDArray[Any]) -> None:
    with h5py.File(file, "w") as content:
        content.create_dataset("x", data=rows, chunks=(7, 3), compression="gzip")


def lists(file: Path, rows: npt.NDArray[Any]) -> None:
    kind = pyarrow.list_(pyarrow.from_numpy_dtype(rows.dtype))
    table = pyarrow.table({"id": np.arange(len(rows)), "emb": pyarrow.array(list(rows), type=kind)})
    pyarrow.parquet.write_table(table, file, row_group_size=9)


def fixed_lists(file: Path, rows: npt.NDArray[Any]) -> None:
    column = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(rows.ravel()), rows.shape[1])
    pyarrow.parquet.write_table(pyarrow.table({"emb": column}), file)


def columns(file: Path, rows: npt.NDArray[Any]) -> None:
    named = {f"d{place}": pyarrow.array(rows[:, place]) for place in range(rows.shape[1])}
    pyarrow.parquet.write_table(pyarrow.table({"id": [f"{n}" for n in range(len(rows))], **named}), file)


def fvecs(file: Path, rows: npt.NDArray[Any]) -> None:
    file.write_bytes(b"".join(struct.pack("<i", len(row)) + row.astype("<f4").tobytes() for row in rows))


FORMATS: dict[str, tuple[str, Writer]] = {
    "npy": (".npy", npy),
    "npz": (".npz", npz),
    "safetensors": (".safetensors", tensors),
    "hdf5": (".hdf5", hdf5),
    "chunked": (".h5", chunked_hdf5),
    "lists": (".parquet", lists),
    "fixed lists": (".parquet", fixed_lists),
    "columns": (".parquet", columns),
    "fvecs": (".fvecs", fvecs),
}


def vectors(folder: Path, suffix: str, write: Writer, rows: npt.NDArray[Any] = ROWS) -> npt.NDArray[Any]:
    write(folder / f"x{suffix}", rows)
    return VectorFile(folder / f"x{suffix}", folder / "cache", no_log).vectors()


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_rows_that_were_written_and_leaves_them_on_disk(name: str, tmp_path: Path) -> None:
    suffix, write = FORMATS[name]
    found = vectors(tmp_path, suffix, write)
    assert np.array_equal(found, ROWS)
    assert found.dtype == np.float32
    assert isinstance(found.base, np.memmap) or isinstance(found, np.memmap)


@pytest.mark.parametrize("dtype", ["float16", "int8", "uint8"])
@pytest.mark.parametrize("name", [name for name in FORMATS if name != "fvecs"])
def test_small_numbers_stay_small(name: str, dtype: str, tmp_path: Path) -> None:
    rows = np.abs(ROWS * 40).astype(dtype)
    found = vectors(tmp_path, *FORMATS[name], rows)
    assert found.dtype.name == dtype
    assert np.array_equal(found, rows)


def test_a_copy_in_the_cache_is_that_of_the_files_content_and_columns(tmp_path: Path) -> None:
    file, cache = tmp_path / "x.parquet", tmp_path / "cache"
    columns(file, ROWS)
    lines: list[str] = []
    for without, wanted in ((), ROWS), (("d5",), ROWS[:, :5]), ((), ROWS):
        assert np.array_equal(VectorFile(file, cache, lines.append).vectors(without=without), wanted)
    assert len([line for line in lines if "copied" in line]) == 2
    columns(file, -ROWS)
    assert np.array_equal(VectorFile(file, cache, no_log).vectors(), -ROWS)
    for spoil in (lambda content: content + b"more", lambda content: content[:-1], lambda _: b""):
        for copy in cache.glob("vectors/*.npy"):
            copy.write_bytes(spoil(copy.read_bytes()))
        assert np.array_equal(VectorFile(file, cache, no_log).vectors(), -ROWS)


def test_stacked_rows_are_those_of_both_arrays_in_any_order() -> None:
    stacked = StackedVectors([ROWS[:25], ROWS[25:]])
    items = np.random.default_rng(1).permutation(40)
    assert stacked.shape == (40, 6)
    assert np.array_equal(stacked[items], ROWS[items])
    assert np.array_equal(stacked[items[items < 25]], ROWS[items[items < 25]])


def broken(content: bytes) -> Writer:
    def write(file: Path, rows: npt.NDArray[Any]) -> None:
        file.write_bytes(content)

    return write


def ragged(file: Path, rows: npt.NDArray[Any]) -> None:
    column = pyarrow.array([row[: 6 - (n == 31)] for n, row in enumerate(rows)])
    pyarrow.parquet.write_table(pyarrow.table({"emb": column}), file, row_group_size=9)


def holey(file: Path, rows: npt.NDArray[Any]) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"emb": pyarrow.array([*rows[:9], None])}), file)


def without_a_number(file: Path, rows: npt.NDArray[Any]) -> None:
    whole = [[int(number * 10) for number in row] for row in rows]
    holed = [
        [None if (n, place) == (31, 2) else number for place, number in enumerate(row)] for n, row in enumerate(whole)
    ]
    column = pyarrow.array(holed, type=pyarrow.list_(pyarrow.int8()))
    pyarrow.parquet.write_table(pyarrow.table({"emb": column}), file, row_group_size=9)


@pytest.mark.parametrize(
    ("suffix", "write", "words"),
    [
        (".npy", lambda f, r: np.save(f, r.astype("f8")), ["float64", "float32", "astype"]),
        (".npy", lambda f, r: np.save(f, r[0]), ["float32 [6]", "[n, d]"]),
        (".npy", lambda f, r: np.save(f, r[:0]), ["[0, 6]"]),
        (".npy", lambda f, r: np.save(f, np.array([{}], dtype=object), allow_pickle=True), ["cannot be read"]),
        (".npy", broken(b"hello"), ["is no .npy file", "numpy.save"]),
        (".npy", broken(b""), ["is no .npy file"]),
        (".npz", broken(b"no zip"), ["cannot be read", "numpy.savez"]),
        (".npz", lambda f, r: np.savez(f, a=r, b=r), ["2 matrices (a, b)"]),
        (".safetensors", broken(struct.pack("<Q", 1 << 40)), ["cannot be read", "safetensors"]),
        (".safetensors", broken(struct.pack("<Q", 2) + json.dumps({}).encode()), ["no matrix"]),
        (".hdf5", broken(b"no hdf5"), ["cannot be read", "HDF5"]),
        (".parquet", broken(b"no table"), ["cannot be read", "Parquet"]),
        (".parquet", ragged, ["row 31", "5 numbers", "one of 6"]),
        (".parquet", holey, ["empty"]),
        (".parquet", without_a_number, ["row 31", "empty number"]),
        (".parquet", lambda f, r: lists(f, r.astype("f8")), ["float64", "float32"]),
        (".parquet", lambda f, r: columns(f, r.astype("f8")), ["float64", "float32"]),
        (".fvecs", broken(struct.pack("<i", 3) + bytes(13)), ["cannot be read", "3 numbers"]),
        (".fvecs", broken(struct.pack("<ififif", 1, 0, 2, 0, 1, 0)), ["row 1 has 2"]),
        (".csv", broken(b"1,2"), [".csv", ".npy"]),
    ],
)
def test_what_is_no_file_of_vectors_is_one_line(suffix: str, write: Writer, words: list[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        vectors(tmp_path, suffix, write)
    assert "\n" not in str(error.value)
    assert str(tmp_path / "x") in str(error.value)
    for word in words:
        assert word in str(error.value)
    assert not list(tmp_path.glob("cache/vectors/*.npy"))


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"x\.npy is not there"):
        VectorFile(tmp_path / "x.npy", tmp_path, no_log)
