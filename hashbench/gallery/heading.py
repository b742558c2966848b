"""The heading of a sheet: method, bits, score, protocol and features of its record."""

from hashbench.evaluation.headline import HEADLINE
from hashbench.records.results import Results
from hashbench.records.store import Record
from hashbench.reporting.leaderboard.caption import title
from hashbench.reporting.leaderboard.tables import tables


def heading(record: Record) -> str:
    """Method, bits, score, protocol and features: "itq, 32 bits: mAP@1000 0.437 on cifar10/bgan, features gist"."""
    (table,) = tables(Results((record,)), metric=HEADLINE)
    (row,) = (*table.ranked, *table.unranked)
    trial, score = record["trial"], record["metrics"][HEADLINE]
    repetition = f", repetition {trial['repetition']}" if trial["repetition"] else ""
    value = "undefined" if score is None else f"{score:.3f}"
    return f"{row.label}, {trial['bits']} bits{repetition}: {title(table).replace('mAP@1000', f'mAP@1000 {value}', 1)}"
