"""Records on disk as trials leave them, with a per-query AP of the test's choice."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hashbench.records.store import Record, Store
from hashbench.records.trial_spec import PlannedTrial, TrialSpec


def write_records(
    folder: Path, records: Iterable[Record], per_query: Iterable[npt.NDArray[np.float64] | None] = ()
) -> Store:
    """Write records, and beside each the AP of queries 0, 1, ... where one is given, into a result folder."""
    store = Store(folder)
    store.prepare()
    values = iter(per_query)
    for record in records:
        trial = TrialSpec(**record["trial"])
        planned = PlannedTrial(trial, record["fingerprint"], record["protocol_card"], "")
        record["key"] = planned.key
        found = next(values, None)
        if found is not None:
            store.write_codes(planned, {"average_precision": found, "query_items": np.arange(len(found))})
        store.write_record(planned, record)
    return store
