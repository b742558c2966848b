"""Formats of files of vectors that need a library of their own (the extra ``vectors``): .hdf5 and .parquet."""

from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from hashbench.data.vector_formats import BATCH_BYTES, DTYPES, Array, Format, Source, the_one
from hashbench.errors import UsageError

_LISTS_OR_COLUMNS = "a Parquet table with a column of lists of one length, or a column for each dimension"


def _hdf5_vectors(file: Source, name: str | None, without: frozenset[str]) -> Array:
    names = _hdf5_names(file)
    with _extra("h5py", file).File(file.path) as content:
        matrices = {key for key in names if content[key].ndim == 2} - without
        chosen = the_one(file, name or ("train" if "train" in matrices else None), matrices, names)
        array, offset = content[chosen], content[chosen].id.get_offset()
        if offset is not None and array.size:
            return np.memmap(file.path, dtype=array.dtype, mode="r", offset=offset, shape=array.shape)
        shape, dtype = array.shape, array.dtype

    def write(work: Path) -> None:
        with _extra("h5py", file).File(file.path) as content:
            _write_npy(work, (shape[0], shape[1]), dtype, _slices(content[chosen]))

    return file.copied(chosen, write)


def _hdf5_column(file: Source, name: str) -> Array:
    with _extra("h5py", file).File(file.path) as content:
        if name not in _hdf5_names(file):
            raise file.absent(name, _hdf5_names(file))
        array: Array = content[name][()]
    return array.astype(str) if array.dtype.kind in "OS" else array


def _hdf5_names(file: Source) -> list[str]:
    h5py = _extra("h5py", file)
    with h5py.File(file.path) as content:
        return [key for key, value in content.items() if isinstance(value, h5py.Dataset)]


def _hdf5_distance(file: Source) -> str:
    with _extra("h5py", file).File(file.path) as content:
        return str(content.attrs.get("distance", ""))


def _parquet_vectors(file: Source, name: str | None, without: frozenset[str]) -> Array:
    pyarrow = _extra("pyarrow", file)
    table = _extra("pyarrow.parquet", file).ParquetFile(file.path)
    fields = [field for field in table.schema_arrow if field.name not in without]
    lists = {field.name: field.type.value_type for field in fields if _is_list(pyarrow, field.type)}
    if name or lists:
        chosen = the_one(file, name, set(lists), [field.name for field in fields])
        columns, kinds = [chosen], {str(lists[chosen])}
    else:
        numbers = [field for field in fields if _numpy_dtype(str(field.type)) in (*DTYPES, "float64")]
        columns, kinds = [field.name for field in numbers], {str(field.type) for field in numbers}
        if len(kinds) != 1:
            raise UsageError(
                f"{file.path} has no column of lists, and its columns of numbers are of "
                f"{', '.join(sorted(kinds)) or 'no kind'}; wanted {_LISTS_OR_COLUMNS}, all of {', '.join(DTYPES)}"
            )
    dtype = _numpy_dtype(kinds.pop())
    if dtype not in DTYPES:
        raise UsageError(
            f"{file.path} has vectors of {dtype}, wanted {', '.join(DTYPES)}; cast them to float32 and save again"
        )
    return file.copied("\n".join(columns), lambda work: _copy_parquet(file, table, columns, bool(lists), work))


def _parquet_column(file: Source, name: str) -> Array:
    names = _parquet_names(file)
    if name not in names:
        raise file.absent(name, names)
    column = _extra("pyarrow.parquet", file).read_table(file.path, columns=[name])[name]
    if column.null_count:  # which would be a class of their own, "None"
        raise UsageError(f"{file.path}: column {name} has {column.null_count:,} empty cells; fill them")
    array: Array = column.combine_chunks().to_numpy(zero_copy_only=False)
    return array.astype(str) if array.dtype == object else array


def _parquet_names(file: Source) -> list[str]:
    names: list[str] = _extra("pyarrow.parquet", file).ParquetFile(file.path).schema_arrow.names
    return names


def _extra(module: str, file: Source) -> ModuleType:
    try:
        return __import__(module, fromlist=["_"])
    except ImportError as error:
        raise UsageError(f"{file.path} needs {module.partition('.')[0]}; pip install 'hashbench[vectors]'") from error


def _write_npy(work: Path, shape: tuple[int, int], dtype: Any, blocks: Iterable[Array]) -> None:
    with work.open("wb") as stream:
        header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, header)
        for block in blocks:
            stream.write(np.ascontiguousarray(block, dtype=dtype).data)


def _slices(array: Any) -> Iterable[Array]:
    step = max(1, BATCH_BYTES // max(1, array.shape[1] * array.dtype.itemsize))
    for start in range(0, array.shape[0], step):
        yield array[start : start + step]


def _is_list(pyarrow: ModuleType, kind: Any) -> bool:
    types = pyarrow.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _numpy_dtype(kind: str) -> str:
    """An arrow type's name in numpy."""
    return {"halffloat": "float16", "float": "float32", "double": "float64"}.get(kind, kind)


def _copy_parquet(file: Source, table: Any, columns: list[str], lists: bool, work: Path) -> None:
    rows, dimension, done = table.metadata.num_rows, 0 if lists else len(columns), 0
    with work.open("wb") as stream:
        for batch in table.iter_batches(columns=columns, batch_size=8192):
            block = _list_rows(file, batch.column(0), dimension, done) if lists else _column_rows(file, batch, done)
            if not done:
                dimension = block.shape[1]
                shape = (rows, dimension)
                header = {"descr": np.lib.format.dtype_to_descr(block.dtype), "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(stream, header)
            stream.write(np.ascontiguousarray(block).data)
            done += len(block)


def _list_rows(file: Source, column: Any, dimension: int, done: int) -> Array:
    """A column of lists as [n, d]; ``dimension`` is 0 before the first rows."""
    if column.null_count:
        raise UsageError(f"{file.path}: {column.null_count:,} vectors from row {done:,} on are empty cells; fill them")
    lengths = column.value_lengths().to_numpy(zero_copy_only=False)
    dimension = dimension or int(lengths[0])
    other = np.flatnonzero(lengths != dimension)
    if len(other):
        row = other[0]
        raise UsageError(
            f"{file.path}: row {done + row:,} has a vector of {lengths[row]} numbers, the first row one of "
            f"{dimension}; wanted lists of one length"
        )
    numbers = column.flatten()
    if numbers.null_count:  # numpy has no such number but NaN, which makes another dtype of whole ones
        row = done + int(np.flatnonzero(numbers.is_null().to_numpy(zero_copy_only=False))[0]) // dimension
        raise UsageError(f"{file.path}: row {row:,} has a vector with an empty number; fill it, or take the row out")
    values: Array = numbers.to_numpy(zero_copy_only=False)
    return values.reshape(len(lengths), dimension)


def _column_rows(file: Source, batch: Any, done: int) -> Array:
    """Columns of numbers as [n, columns]."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if column.null_count:
            raise UsageError(f"{file.path}: column {name} has empty cells from row {done:,} on; fill them")
    return np.stack([column.to_numpy(zero_copy_only=False) for column in batch.columns], axis=1)


HDF5 = Format(
    "an HDF5 file of arrays, as ann-benchmarks has them", _hdf5_vectors, _hdf5_column, _hdf5_names, _hdf5_distance
)
PARQUET = Format(_LISTS_OR_COLUMNS, _parquet_vectors, _parquet_column, _parquet_names)
