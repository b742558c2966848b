"""The numbers that a page can show of a cell: metrics, costs, statistics of the codes."""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from hashbench.evaluation.headline import NEIGHBOURS_HEADLINE
from hashbench.evaluation.metrics import Metric, declared, declared_neighbours
from hashbench.records.store import Record
from hashbench.reporting.leaderboard.cell_text import SHOWN_PERCENT
from hashbench.reporting.leaderboard.rescored import rescored
from hashbench.reporting.leaderboard.table import SEARCH_K, Cell
from hashbench.reporting.metric_names import MULTIPLE, metric_name

BY_LABELS, BY_NEIGHBOURS, BOUNDS = "Relevant by labels", "Relevant as neighbours", "Bounds"


@dataclass(frozen=True)
class Measure:
    """A number of a cell.

    Attributes:
        id: a metric's, or "group:name".
        name: for readers.
        group: its heading in the page's list.
        better: whether higher ("up") or lower ("down") is better; "none" where neither is.
        unit: its format: "share" of one, "percent", "seconds", "rate", "count".
        meaning: its definition in one line.
        of: its value in one record; None for one of the whole cell.
        of_cell: its value in a cell, where that is not the mean over records.
    """

    id: str
    name: str
    group: str
    better: Literal["up", "down", "none"]
    unit: str
    meaning: str
    of: Callable[[Record], float | None] | None
    of_cell: Callable[[Cell], float | None] | None = None

    @property
    def relevance(self) -> Literal["labels", "neighbours"] | None:
        """What it counts as relevant; None where nothing."""
        if self.group == BY_NEIGHBOURS:
            return "neighbours"
        return "labels" if self.group in (BY_LABELS, BOUNDS) else None


def measures(records: Iterable[Record], ranked_by: Iterable[str] = ()) -> list[Measure]:
    """The metrics that the records have, in the order of their declaration, then costs and statistics of codes.

    Args:
        records: of all tables.
        ranked_by: metrics of the tables, which are listed also where no record has a value.
    """
    names, kinds = {*ranked_by}, set()
    for record in records:
        names |= (record["metrics"] or {}).keys()
        kinds.add("vectors" if "vectors" in record["protocol_card"] else "images")
    cutoffs = {int(name.rpartition("@")[2]) for name in names if re.fullmatch(r"map@\d+", name)}
    known = {metric.id: metric for metric in declared_neighbours()}
    known |= {metric.id: metric for cutoff in sorted(cutoffs) for metric in declared(cutoff)}
    ordered = [*(name for name in known if name in names), *sorted(names - set(known))]
    metrics = [_metric(name, known.get(name)) for name in ordered]
    stages = _STAGES if NEIGHBOURS_HEADLINE in names else ()
    costs = (*_TRAINING, _encoding(kinds), *_OTHER_COSTS)
    return [*sorted(metrics, key=lambda measure: measure.group == BOUNDS), *costs, *stages, *_CODES]


def _metric(name: str, metric: Metric | None) -> Measure:
    """``metric`` is None for one that only another version of hashbench declares."""
    is_multiple = name.startswith(MULTIPLE)  # of repetitions the largest counts, and none where one has none
    return Measure(
        id=name,
        name=metric_name(name),
        group=BY_NEIGHBOURS if name.startswith("neighbours/") else BOUNDS if "/" in name else BY_LABELS,
        better=metric.direction if metric else "none",
        unit="count" if is_multiple else "share",
        meaning=metric.formula if metric else "",
        of=lambda record: record["metrics"].get(name),
        of_cell=(lambda cell: cell.largest(name)) if is_multiple else None,
    )


def _seconds(phase: str) -> Callable[[Record], float | None]:
    return lambda record: record["seconds"].get(phase)


def _peak(record: Record) -> float | None:
    peak = record["memory"]["host_peak_bytes"]
    return None if peak is None else peak / 2**20


def _epochs(record: Record) -> float | None:
    return len((record["training"] or {}).get("epochs", ())) or None


def _diagnostic(name: str) -> Callable[[Record], Any]:
    return lambda record: (record["diagnostics"] or {}).get(name)


def _encoding(kinds: Collection[str]) -> Measure:
    """The rate of encoding, of "images" or "vectors" of data sets without images, or of both."""
    what, start = {
        ("vectors",): ("vectors", "vectors encoded per second"),
        ("images", "vectors"): ("items", "images encoded per second from decoded images, vectors where there are none"),
    }.get(tuple(sorted(kinds)), ("images", "images encoded per second from decoded images"))
    meaning = f"{start}, at the best batch"
    return Measure("cost:encode", f"encode {what}/s", "Cost", "up", "rate", meaning, None, Cell.encode_rate)


def _scan(cell: Cell) -> float | None:
    found = rescored(cell)
    return None if found is None else found.scan[0]


def _rescoring(cell: Cell) -> float | None:
    found = rescored(cell)
    return None if found is None else found.rescoring[0]


_AT = f"of one query, median, at the measured m that holds {SHOWN_PERCENT} % of the neighbours"
_STAGES = (
    Measure("cost:scan", "scan ms", "Cost", "down", "count", f"search by codes {_AT}", None, _scan),
    Measure("cost:rescoring", "rescoring ms", "Cost", "down", "count", f"ranking by vectors {_AT}", None, _rescoring),
)
_TRAINING = (
    Measure("cost:fit", "training time", "Cost", "down", "seconds", "wall-clock seconds of fit", _seconds("fit")),
    Measure("cost:epochs", "epochs", "Cost", "none", "count", "epochs or iterations that training reported", _epochs),
)
_OTHER_COSTS = (
    Measure(
        "cost:search",
        "search queries/s",
        "Cost",
        "up",
        "rate",
        f"queries per second of exact top-{SEARCH_K} search",
        None,
        Cell.search_rate,
    ),
    Measure(
        "cost:bytes",
        "bytes per item",
        "Cost",
        "down",
        "count",
        "bytes that the database keeps of an item, factors beside the code counted",
        None,
        Cell.bytes_per_item,
    ),
    Measure("cost:memory", "peak MiB", "Cost", "down", "count", "peak host memory of the trial in MiB", _peak),
)

_CODES = (
    Measure(
        "codes:imbalance",
        "bit imbalance",
        "Codes",
        "down",
        "share",
        "mean over bits of |share of +1 - 1/2|; 0 is balanced",
        _diagnostic("balance_deviation_mean"),
    ),
    Measure(
        "codes:correlation",
        "bit correlation",
        "Codes",
        "down",
        "share",
        "mean over pairs of bits of |Pearson correlation|",
        _diagnostic("correlation_mean"),
    ),
    Measure(
        "codes:unique",
        "unique codes",
        "Codes",
        "up",
        "percent",
        "different codes divided by the number of database items",
        _diagnostic("unique_share"),
    ),
    Measure(
        "codes:tied",
        "tied share",
        "Codes",
        "down",
        "percent",
        "share of the top 1,000 that ties with another item",
        _diagnostic("tied_share@1000"),
    ),
    Measure(
        "codes:empty",
        "empty balls",
        "Codes",
        "down",
        "percent",
        "share of queries without any item within Hamming radius 2",
        _diagnostic("empty_share@r2"),
    ),
)
