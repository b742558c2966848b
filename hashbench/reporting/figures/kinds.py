"""The kinds of figures by name."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from matplotlib.figure import Figure

from hashbench.errors import unknown
from hashbench.reporting.figures import map_by_bits, precision, throughput, training
from hashbench.reporting.figures.style import Style, figure_style
from hashbench.reporting.leaderboard.table import Table


class Kind(NamedTuple):
    """A kind of figure.

    Attributes:
        figure: draws it of a table, with a heading or without.
        lacking: why that returns None.
        of_metric: it shows the table's metric.
    """

    figure: Callable[[Table, Mapping[str, Style], bool], Figure | None]
    lacking: str
    of_metric: bool = False


KINDS: Mapping[str, Kind] = {
    "precision-recall": Kind(precision.precision_recall, precision.NO_RADIUS),
    "map-by-bits": Kind(map_by_bits.map_by_bits, map_by_bits.LACKING, of_metric=True),
    "precision-at-k": Kind(precision.precision_at_k, precision.NO_RANK),
    "recall-by-m": Kind(precision.recall_by_m, precision.NO_NEIGHBOURS),
    "throughput": Kind(throughput.throughput, throughput.LACKING, of_metric=True),
    "training": Kind(training.training, training.LACKING),
}


def kind_named(name: str) -> Kind:
    """The kind called ``name``.

    Raises:
        UsageError: there is none.
    """
    if name not in KINDS:
        raise unknown("kind of figure", name, KINDS)
    return KINDS[name]


def draw(name: str, table: Table, styles: Mapping[str, Style], titled: bool = True) -> Figure | None:
    """The figure of that kind, with a heading or without; None where the table has nothing for it."""
    with figure_style():
        return kind_named(name).figure(table, styles, titled)
