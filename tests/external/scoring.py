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


def only(arrays: Arrays, *kinds: str) -> Arrays:
    return {name: array for name, array in arrays.items() if name.rpartition("_")[2] in kinds}


def table_with(record: Record, folder: Path) -> Table:
    (table,) = [table for table in tables(results(folder)) if record["key"] in {r["key"] for r in table.records()}]
    return table


def npz(record: Record, folder: Path) -> Arrays:
    with np.load(results(folder).files[record["key"]].with_suffix(".npz"), allow_pickle=False) as content:
        return {name: content[name] for name in content.files}
