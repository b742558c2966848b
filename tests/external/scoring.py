"""What tests of scored codes look at."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hashbench.records.results import results
from hashbench.records.store import Record
from hashbench.reporting.leaderboard.table import Table
from hashbench.reporting.leaderboard.tables import tables

Arrays = dict[str, Any]
Score = Callable[..., Record]


def drawn_arrays(bits: int) -> Arrays:
    """Codes of that length for 6 queries and 40 items of 3 classes."""
    rng = np.random.default_rng(3)
    return {
        "query_codes": rng.random((6, bits)) < 0.5,
        "database_codes": rng.random((40, bits)) < 0.5,
        "query_labels": np.arange(6) % 3,
        "database_labels": np.arange(40) % 3,
    }


def only(arrays: Arrays, *kinds: str) -> Arrays:
    return {name: array for name, array in arrays.items() if name.rpartition("_")[2] in kinds}


def table_with(record: Record, folder: Path) -> Table:
    (table,) = [table for table in tables(results(folder)) if record["key"] in {r["key"] for r in table.records()}]
    return table


def npz(record: Record, folder: Path) -> Arrays:
    with np.load(results(folder).files[record["key"]].with_suffix(".npz"), allow_pickle=False) as content:
        return {name: content[name] for name in content.files}
