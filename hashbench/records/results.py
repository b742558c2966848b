"""``hb.results``: the records of a folder, as objects and as a DataFrame."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hashbench.errors import UsageError
from hashbench.records.store import Record, Store

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Results:
    """The records of a result folder, in the order of their file names.

    Attributes:
        records: as their JSON Schema describes them.
        throughputs: encode and search rates, joined to records by key.
        files: where each record lies, by its key.
        faults: a line for each file that could not be read; such files are left where they are.
    """

    records: tuple[Record, ...]
    throughputs: tuple[Record, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    def frame(self) -> "pd.DataFrame":
        """One row per record: key, status, what was asked for, every metric, seconds per phase ("fit_s"), error.

        "card" is the protocol card's id, "missing" how many items of the index sets have no image.
        """
        import pandas as pd  # a third of the time in which a table of a few records is shown

        return pd.DataFrame([_row(record) for record in self.records])

    def select(self, keys: frozenset[str]) -> "Results":
        """Only the records and throughputs of these keys."""
        return Results(
            tuple(record for record in self.records if record["key"] in keys),
            tuple(throughput for throughput in self.throughputs if throughput["key"] in keys),
            {key: file for key, file in self.files.items() if key in keys},
            self.faults,
        )

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        """Counts alone: what a notebook shows of the last line of a cell, where records are megabytes."""
        counts = Counter(record["status"] for record in self.records)
        found = [f"{count:,} {status}" for status, count in counts.most_common()]
        faults = [f"unreadable files: {len(self.faults):,}"] if self.faults else []
        return f"<Results of {len(self):,} trials: {', '.join([*found, *faults]) or 'none'}; .frame() is their table>"


def results(folder: str | Path = "results") -> Results:
    """Read a result folder; what cannot be read is named in ``faults``.

    Raises:
        UsageError: the folder is not there, or is a file.
    """
    if not Path(folder).exists():
        raise UsageError(f"no result folder {str(folder)!r}; hashbench run --results makes one")
    return results_so_far(Path(folder))


def results_so_far(folder: Path) -> Results:
    """As :func:`results`, empty where nothing has written to the folder yet.

    Raises:
        UsageError: the folder is a file.
    """
    store = Store(folder)
    records, throughputs = store.records(), store.throughputs()
    return Results(
        tuple(records.contents.values()),
        tuple(throughputs.contents.values()),
        {record["key"]: path for path, record in records.contents.items()},
        (*records.fault_lines(), *throughputs.fault_lines()),
    )


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
