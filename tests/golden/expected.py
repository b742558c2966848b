"""The stored results of goldens: arrays in ``expected/GROUP.npz``, tables in ``expected/GROUP.json``."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.golden.golden import Golden
from tests.golden.values import Result, Table, Value

FOLDER = Path(__file__).parent / "expected"
WAY_OUT = "if that is meant, raise the version of the part and run `python -m tests.golden --renew`"


def differences(golden: Golden, results: Mapping[str, Result], folder: Path = FOLDER) -> list[str]:
    """What differs from the stored results by more than it may, a line each."""
    stored = load(golden.name, folder)
    if not stored:
        return [f"{golden}: no result is stored; run `python -m tests.golden --renew {golden}`"]
    if stored.keys() != results.keys():
        return [f"{golden}: has {', '.join(sorted(results))}, stored are {', '.join(sorted(stored))}"]
    told = {name: result.difference(stored[name]) for name, result in results.items()}
    return [f"{golden}, {name}: {difference}" for name, difference in told.items() if difference]


def load(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """The stored arrays and tables of a golden, by their names; empty if nothing is stored."""
    group = name.partition("/")[0]
    arrays = {key: value for key, value in _arrays(folder / f"{group}.npz").items() if key.startswith(f"{name}/")}
    tables: dict[str, Any] = _tables(folder / f"{group}.json").get(name, {})
    return {**{key.removeprefix(f"{name}/"): value for key, value in arrays.items()}, **tables}


def stored_names(folder: Path = FOLDER) -> list[str]:
    """Names of all goldens that have a stored result, sorted."""
    of_arrays = (key.rpartition("/")[0] for file in folder.glob("*.npz") for key in _arrays(file))
    of_tables = (name for file in folder.glob("*.json") for name in _tables(file))
    return sorted({*of_arrays, *of_tables})


def save(name: str, results: Mapping[str, Result], folder: Path = FOLDER) -> None:
    """Store the results of a golden in place of its old ones."""
    _replace(name, results, folder)


def remove(name: str, folder: Path = FOLDER) -> None:
    """Remove what is stored of a golden."""
    _replace(name, {}, folder)


def checksum(name: str, folder: Path = FOLDER) -> str:
    """Checksum of the stored results of a golden, 16 hexadecimal digits, whatever the files' own layout."""
    total = hashlib.sha256()
    for key, value in sorted(load(name, folder).items()):
        if isinstance(value, np.ndarray):
            total.update(f"{key} {value.dtype.str} {value.shape}\n".encode())
            total.update(np.ascontiguousarray(value).tobytes())
        else:
            total.update(f"{key} {json.dumps(value, sort_keys=True)}\n".encode())
    return total.hexdigest()[:16]


def _replace(name: str, results: Mapping[str, Result], folder: Path) -> None:
    group = name.partition("/")[0]
    arrays, tables = folder / f"{group}.npz", folder / f"{group}.json"
    others = {key: value for key, value in _arrays(arrays).items() if not key.startswith(f"{name}/")}
    own = {f"{name}/{key}": value.array for key, value in results.items() if isinstance(value, Value)}
    _write_arrays(arrays, others | own)
    content = {key: value for key, value in _tables(tables).items() if key != name}
    table = {key: value.content for key, value in results.items() if isinstance(value, Table)}
    _write_tables(tables, content | ({name: table} if table else {}))


def _write_arrays(file: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    if arrays:
        np.savez_compressed(file, **dict(sorted(arrays.items())))  # type: ignore[arg-type]
    else:
        file.unlink(missing_ok=True)
    _arrays.cache_clear()


def _write_tables(file: Path, tables: Mapping[str, Any]) -> None:
    if tables:
        file.write_text(_readable(tables) + "\n", encoding="utf-8")
    else:
        file.unlink(missing_ok=True)
    _tables.cache_clear()


def _readable(content: Any, indent: str = "") -> str:
    """JSON with a line for each list of numbers or texts."""
    deeper = indent + " "
    if isinstance(content, dict):
        lines = [f"{deeper}{json.dumps(name)}: {_readable(content[name], deeper)}" for name in sorted(content)]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(content, list) and any(isinstance(item, (dict, list)) for item in content):
        return "[\n" + ",\n".join(f"{deeper}{_readable(item, deeper)}" for item in content) + f"\n{indent}]"
    return json.dumps(content, ensure_ascii=False)


@cache
def _arrays(file: Path) -> dict[str, npt.NDArray[Any]]:
    if not file.is_file():
        return {}
    with np.load(file) as content:
        return dict(content)


@cache
def _tables(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}
