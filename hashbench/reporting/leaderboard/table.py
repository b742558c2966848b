"""The leaderboard as data: tables of numbers that may be compared, rows of methods, cells of repetitions."""

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from hashbench.errors import UsageError
from hashbench.evaluation.headline import HEADLINE, HEADLINE_K, MULTIPLES, headline_of
from hashbench.evaluation.metrics import Metric, declared_metric
from hashbench.records.per_query import PerQuery, mean_over_repetitions, read_per_query
from hashbench.records.store import Record
from hashbench.records.trial_spec import ONE_HOT_CLASSES
from hashbench.reporting.metric_names import MULTIPLE
from hashbench.reporting.row_label import row_label
from hashbench.reporting.statistics import SIGNIFICANCE, Paired
from hashbench.reporting.table_key import TableKey

SEARCH_K = 100  # of the search rates in tables
Kind = Literal["ranked", "unranked", "reference"]


@dataclass
class Cell:
    """One row at one code length: the records of its repetitions.

    Attributes:
        ok: records that have metrics.
        failed: records that failed or were skipped.
        throughputs: of the ``ok`` records, on the table's hardware.
        files: of the ``ok`` records, as far as they come from a folder.
        stale: a record was made from sources that have changed since.
        vs_best: its queries' AP against those of the column's best cell, p adjusted for all pairs of the table; None
            for that cell itself, where a repetition failed and where there is no per-query AP.
        fault: why per-query AP could not be read, where a file beside a record is damaged.
    """

    ok: list[Record] = field(default_factory=list)
    failed: list[Record] = field(default_factory=list)
    throughputs: list[Record] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    stale: bool = False
    vs_best: Paired | None = None
    fault: str | None = None
    _values: dict[str, list[float]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def tied_with_best(self) -> bool:
        """Whether nothing tells it apart from the column's best cell; False for that cell itself."""
        return self.vs_best is not None and self.vs_best.p >= SIGNIFICANCE

    @cached_property
    def per_query(self) -> PerQuery | None:
        """The headline of each query, averaged over repetitions; None where a record lacks it or has other queries."""
        return mean_over_repetitions(self._per_query) if len(self._per_query) == len(self.ok) else None

    @property
    def headline(self) -> str:
        """The headline of its protocol."""
        records = [*self.ok, *self.failed]
        return headline_of(records[0]["protocol_card"]) if records else HEADLINE

    @property
    def has_vectors(self) -> bool:
        """Whether its data set has vectors and no images."""
        return any("vectors" in record["protocol_card"] for record in (*self.ok, *self.failed))

    def multiple(self, percent: int) -> str:
        """The m that holds so many percent of the neighbours in every repetition; "> 100" where none does."""
        value = self.largest(f"{MULTIPLE}{percent}")
        return f"> {MULTIPLES[-1]}" if value is None else f"{value:g}"

    def largest(self, metric: str) -> float | None:
        """The largest value of any repetition; None where one of them has none."""
        values = self.values(metric)
        return max(values) if values and len(values) == len(self.ok) else None

    def bytes_per_item(self) -> int | None:
        """What the database keeps of an item; None where records do not say."""
        sizes = {record.get("bytes_per_item") for record in self.ok}
        return sizes.pop() if len(sizes) == 1 else None

    @property
    def per_query_runs(self) -> npt.NDArray[np.float64] | None:
        """The same AP of each repetition [repetitions, queries]."""
        return None if self.per_query is None else np.stack([one.average_precision for one in self._per_query])

    @cached_property
    def _per_query(self) -> list[PerQuery]:
        try:
            arrays = [read_per_query(file, self.headline) for file in self.files]
        except UsageError as error:
            self.fault = str(error)
            return []
        return [one for one in arrays if one is not None]

    def values(self, metric: str) -> list[float]:
        """A metric over the repetitions, whose records are known by now; those without a finite value are left out."""
        if metric not in self._values:
            values = ((record["metrics"] or {}).get(metric) for record in self.ok)
            self._values[metric] = [value for value in values if value is not None and math.isfinite(value)]
        return self._values[metric]

    def mean(self, metric: str) -> float | None:
        """Mean over the repetitions, None without a value."""
        return _mean(self.values(metric))

    def deviation(self, metric: str) -> float | None:
        """Standard deviation (n - 1) over the repetitions, None below two."""
        values = self.values(metric)
        return statistics.stdev(values) if len(values) > 1 else None

    def whole(self, metric: str) -> bool:
        """Whether it has a value, and no repetition failed."""
        return not self.failed and self.mean(metric) is not None

    def seconds(self, phase: str) -> float | None:
        """Mean seconds of a phase."""
        return _mean(record["seconds"][phase] for record in self.ok if phase in record["seconds"])

    def encode_rate(self) -> float | None:
        """Images, or vectors, per second at the best batch, mean of the repetitions' medians.

        Images are decoded ones; vectors those of a data set without images.
        """
        kind = "features_per_s" if self.has_vectors else "images_per_s"
        rates = (throughput["encode"][kind] for throughput in self.throughputs)
        return _mean(rate["median"] for rate in rates if rate)

    def search_rate(self) -> float | None:
        """Queries per second of exact search for the SEARCH_K nearest, mean of the repetitions' medians."""
        rates = (throughput["search"].get(str(SEARCH_K), {}).get("queries_per_s") for throughput in self.throughputs)
        return _mean(rate["median"] for rate in rates if rate)


def _mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return statistics.fmean(listed) if listed else None


@dataclass
class Row:
    """A method with its variant, preset and changed parameters, over all code lengths.

    Attributes:
        named: the method's variant, as its records name it.
        information: what the method sees: "images" alone, or something beside them ("captions", "labels").
        rank: 1 + how many better rows it is told apart from; None for references, rows that lack cells, and rows than
            which one of those is better.
        ranking: of its codes, None for the Hamming distance and for references.
    """

    method: str
    preset: str | None
    variant: dict[str, Any]
    named: str | None
    reference: bool
    parameters: dict[str, Any]
    information: str = "images"
    cells: dict[int | None, Cell] = field(default_factory=dict)
    rank: int | None = None
    ranking: str | None = None

    @property
    def label(self) -> str:
        """The method and what was changed of it: "bgan (tuned) [quick; epochs=4]"."""
        label = row_label(self.method, self.named, self.preset, self.variant, self.ranking)
        return "".join(sign if sign.isprintable() else "?" for sign in label)  # no escape sequences on a terminal

    def cell(self, bits: int) -> Cell:
        """The cell in the column ``bits``, an empty one where there is none."""
        return self.cells.get(self.length(bits), Cell())

    def length(self, bits: int) -> int | None:
        """The code length of the cell in the column ``bits``.

        A row without bits (float features) has the same cell in each, and so has one whose length nobody chose
        (one-hot classes).
        """
        own = next(iter(self.cells), None) if self.method == ONE_HOT_CLASSES else None
        return bits if bits in self.cells else own

    def by_bits(self) -> list[tuple[int | None, Cell]]:
        """Its cells with their code lengths, shortest first; one without bits goes first."""
        return sorted(self.cells.items(), key=lambda item: item[0] or 0)

    def complete(self, columns: Iterable[int], metric: str = HEADLINE) -> bool:
        """Whether every column has a value and nothing failed."""
        return all(self.cell(bits).whole(metric) for bits in columns)


class Line(NamedTuple):
    """A row with its kind; ``rank`` is None for rows without one."""

    kind: Kind
    rank: int | None
    row: Row


@dataclass
class Table:
    """The rows that share a key: complete ones first, best first, then incomplete ones; references apart.

    Attributes:
        metric: what it shows and ranks by.
        ranked: the complete rows, those without a rank since an incomplete one is better included.
        unranked: the rows that lack cells.
        same_but_weights: another table differs from it in the weights of the features' network alone.
        hardware: the machine whose rates it shows, as throughput files have it: the one that measured most cells.
        other_hardware: some cells were measured on other machines only.
        smallest_difference: of each column the smallest one that its median pair of rows could have been told apart
            by; None where there is no pair, or too few queries; empty where nothing was compared.
        other_devices: number of records left out, by their kind of device, since those of another kind are shown.
        fewer_runs: labels of compared rows with too few repetitions to resample them.
        told_apart: by column, and under None in the mean over columns, of each pair of compared ``methods``, by index
            and the lower first, whether they can be told apart.
    """

    key: TableKey
    columns: list[int]
    ranked: list[Row]
    unranked: list[Row]
    references: list[Row]
    metric: str = HEADLINE
    same_but_weights: bool = False
    hardware: Record | None = None
    other_hardware: bool = False
    smallest_difference: list[float | None] = field(default_factory=list)
    other_devices: Counter[str] = field(default_factory=Counter)
    fewer_runs: list[str] = field(default_factory=list)
    told_apart: dict[int | None, dict[tuple[int, int], bool]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Protocol, features and whatever else tells it from other tables: "cifar10/bgan, features gist"."""
        return self.key.name(weights=self.same_but_weights)

    def lines(self) -> Iterator[Line]:
        """All rows in the order of every report: complete ones, best first, those that lack cells, references."""
        yield from (Line("ranked", row.rank, row) for row in self.ranked)
        yield from (Line("unranked", None, row) for row in self.unranked)
        yield from (Line("reference", None, row) for row in self.references)

    @property
    def rows(self) -> list[Row]:
        """All rows in that order."""
        return [line.row for line in self.lines()]

    @property
    def methods(self) -> list[Row]:
        """The rows in that order without references."""
        return [*self.ranked, *self.unranked]

    @property
    def shows_information(self) -> bool:
        """Whether it says of each row what the method sees: where one sees more than images."""
        return any(row.information != "images" for row in self.rows)

    @property
    def faults(self) -> list[str]:
        """A line for each damaged file beside a record."""
        return [cell.fault for row in self.rows for cell in row.cells.values() if cell.fault]

    @property
    def cutoff(self) -> int | None:
        """The protocol's customary k of mAP@k, None where it has none beside the usual ones."""
        cutoff: int | None = self.card["cutoff"]
        return None if cutoff == HEADLINE_K else cutoff

    @property
    def headline(self) -> str:
        """The headline of its protocol: mAP@1000, or the recall of neighbours where these are relevant."""
        return headline_of(self.card)

    @property
    def has_vectors(self) -> bool:
        """Whether its data set has vectors and no images."""
        return "vectors" in self.card

    @property
    def by_neighbours(self) -> bool:
        """Whether the nearest neighbours of the float vectors are relevant."""
        return self.headline != HEADLINE

    @cached_property
    def card(self) -> Record:
        """The protocol card of its first record; all of them have one id."""
        card: Record = self.records()[0]["protocol_card"]
        return card

    def records(self) -> list[Record]:
        """All records of the table."""
        return [record for row in self.rows for cell in row.cells.values() for record in (*cell.ok, *cell.failed)]

    @cached_property
    def declared_metric(self) -> Metric | None:
        """What its metric is declared as; None where only another version of hashbench does."""
        return declared_metric(self.metric, self.cutoff)

    @property
    def less_is_better(self) -> bool:
        """Whether a lower value of its metric is better."""
        return self.declared_metric is not None and self.declared_metric.direction == "down"

    @property
    def most(self) -> float:
        """The highest value that its metric can have; infinity where there is no bound, or none is known."""
        most = self.declared_metric.range[1] if self.declared_metric else None
        return math.inf if most is None else most

    def best(self, bits: int) -> float | None:
        """The best value of a column, references and cells of which a repetition failed left out."""
        return self._best[bits]

    def is_best(self, row: Row, bits: int | None) -> bool:
        """Whether the row has that value, and is no reference."""
        if bits is None or row.reference or not row.cell(bits).whole(self.metric):
            return False
        return row.cell(bits).mean(self.metric) == self.best(bits)

    @cached_property
    def _best(self) -> dict[int, float | None]:
        cells = {bits: [row.cell(bits) for row in self.methods] for bits in self.columns}
        means = {
            bits: [cell.mean(self.metric) for cell in own if cell.whole(self.metric)] for bits, own in cells.items()
        }
        best = min if self.less_is_better else max
        return {bits: best((one for one in own if one is not None), default=None) for bits, own in means.items()}
