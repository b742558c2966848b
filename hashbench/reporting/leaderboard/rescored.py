"""Search in two stages, as throughput files have it: a shortlist by codes, ranked anew by the float vectors."""

import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple

from hashbench.evaluation.headline import NEIGHBOURS_CURVE_K
from hashbench.records.store import Record
from hashbench.reporting.leaderboard.cell_text import SHOWN_PERCENT
from hashbench.reporting.leaderboard.table import Cell, Table
from hashbench.reporting.plain_text import NONE

ABOUT = (
    f"Rescored: a shortlist of {NEIGHBOURS_CURVE_K} m candidates by codes (scan), ranked anew by the float vectors "
    f"(rescoring), one query at a time; of the measured m the smallest that holds {SHOWN_PERCENT} % of the neighbours, "
    "the largest where none does."
)
HEADINGS = (f"rescored R@{NEIGHBOURS_CURVE_K}", "scan ms p50 / p95", "rescoring ms p50 / p95")


class Rescored(NamedTuple):
    """A shortlist of 10 m candidates, ranked anew; means over repetitions.

    Attributes:
        m: the smallest measured one that holds 95 % of the neighbours, the largest where none does.
        recall: share of the 10 nearest that is found.
        scan, rescoring: milliseconds of a query in each stage, at the 50th and the 95th percentile.
    """

    m: int
    recall: float
    scan: tuple[float, float]
    rescoring: tuple[float, float]


def rescored(cell: Cell) -> Rescored | None:
    """What a cell's throughput says of it; None where this was not measured."""
    measured = [throughput["rescoring"]["shortlists"] for throughput in cell.throughputs if "rescoring" in throughput]
    multiples = sorted({int(m) for one in measured for m in one if all(m in other for other in measured)})
    if not multiples:
        return None
    means = {m: statistics.fmean(one[str(m)]["recall"] for one in measured) for m in multiples}
    m = next((m for m in multiples if means[m] >= SHOWN_PERCENT / 100), multiples[-1])
    at = [one[str(m)] for one in measured]
    return Rescored(m, means[m], _latency(at, "scan_ms"), _latency(at, "rescoring_ms"))


def two_stages(table: Table) -> bool:
    """Whether it was measured for a cell of the table."""
    return table.by_neighbours and any(rescored(cell) for row in table.methods for cell in row.cells.values())


def rescored_texts(cell: Cell) -> list[str]:
    """The same as texts below :data:`HEADINGS`."""
    found = rescored(cell)
    if found is None:
        return [NONE] * len(HEADINGS)
    stages = (f"{p50:.3g} / {p95:.3g}" for p50, p95 in (found.scan, found.rescoring))
    return [f"{found.recall:.3f} (m {found.m})", *stages]


def stages_text(cell: Cell) -> str:
    """The medians of both stages: "0.12 + 0.05"."""
    found = rescored(cell)
    return NONE if found is None else f"{found.scan[0]:.2g} + {found.rescoring[0]:.2g}"


def rescored_columns(cell: Cell) -> dict[str, Any]:
    """The same for a table of numbers; nothing where this was not measured."""
    found = rescored(cell)
    if found is None:
        return {}
    names = [f"{stage}_ms_{p}" for stage in ("scan", "rescoring") for p in ("p50", "p95")]
    times = dict(zip(names, (*found.scan, *found.rescoring), strict=True))
    return {"rescored_m": found.m, f"rescored_recall@{NEIGHBOURS_CURVE_K}": found.recall, **times}


def _latency(shortlists: Sequence[Record], stage: str) -> tuple[float, float]:
    p50, p95 = (statistics.fmean(one[stage][p] for one in shortlists) for p in ("p50", "p95"))
    return p50, p95
