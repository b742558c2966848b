"""``hb.results``: the records of a folder, as objects and as a DataFrame."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from hashbench.records.store import Record, Store


@dataclass(frozen=True)
class Results:
    """The records of a result folder, in the order of their file names.

    Attributes:
        records: as their JSON Schema describes them.
        throughputs: encode and search rates, joined to records by key.
    """

    records: tuple[Record, ...]
    throughputs: tuple[Record, ...] = ()

    def frame(self) -> pd.DataFrame:
        """One row per record: key, status, what was asked for, every metric, seconds per phase ("fit_s"), error.

        "card" is the protocol card's id, "missing" how many items of the index sets have no image.
        """
        return pd.DataFrame([_row(record) for record in self.records])

    def select(self, keys: frozenset[str]) -> "Results":
        """Only the records and throughputs of these keys."""
        return Results(
            tuple(record for record in self.records if record["key"] in keys),
            tuple(throughput for throughput in self.throughputs if throughput["key"] in keys),
        )

    def __len__(self) -> int:
        return len(self.records)


def results(folder: str | Path = "results") -> Results:
    """Read a result folder.

    Raises:
        UsageError: the folder is a file, or a record in it cannot be read.
    """
    store = Store(Path(folder))
    return Results(tuple(store.records()), tuple(store.throughputs()))


def _row(record: Record) -> dict[str, Any]:
    trial = {name: value for name, value in record["trial"].items() if name != "parameters"}
    seconds = {f"{name}_s": value for name, value in record["seconds"].items()}
    error = (record["error"] or {}).get("message")
    return {
        "key": record["key"],
        "status": record["status"],
        **trial,
        "card": record["protocol_card"]["id"],
        "missing": sum(record["protocol_card"]["missing"].values()),
        "variant": record["variant"],
        **(record["metrics"] or {}),
        **seconds,
        "error": error,
    }
