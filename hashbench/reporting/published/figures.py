"""Published figures: tables of facts with their sources, in figures.toml."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from hashbench.util.documents import NotNegative, Text, checked, read_toml

FILE = Path(__file__).with_name("figures.toml")
NAME = "the published figures"

ByBits = dict[str, Annotated[float, Meta(ge=0, le=1, description="a figure from 0 to 1")]]


class FigureTable(Struct, frozen=True, forbid_unknown_fields=True):
    """Figures of one protocol, metric and kind of features.

    Attributes:
        title: what it is.
        source: where the figures stand.
        setting: queries, database and training set as the source has them.
        differs: how the run here differs from that; empty where nothing is known to.
        protocol, features, metric: of the run here.
        tolerance, why: the gap that still counts as reproduced, and what it is taken from.
        rows: figures by method and code length.
        spread: standard deviations by method and code length.
        parameters: hyper-parameters by method.
        neighbours: the distance of the neighbours that are relevant; empty for relevance by labels.
    """

    title: Text
    source: Text
    setting: Text
    differs: str
    protocol: Text
    features: Text
    metric: Text
    tolerance: NotNegative
    why: Text
    rows: dict[str, ByBits]
    spread: dict[str, ByBits] = {}
    parameters: dict[str, dict[str, Any]] = {}
    neighbours: str = ""

    def bits(self, method: str) -> tuple[int, ...]:
        """Code lengths for which there is a figure."""
        return tuple(map(int, self.rows.get(method, ())))


class FigureFile(Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    tables: tuple[FigureTable, ...]


@cache
def figure_tables() -> tuple[FigureTable, ...]:
    """All tables."""
    return checked(read_toml(FILE, NAME, "mend it"), FigureFile, NAME).tables


def tables_with(method: str) -> tuple[FigureTable, ...]:
    """The tables that have a row of the method."""
    return tuple(table for table in figure_tables() if method in table.rows)


def published_methods() -> list[str]:
    """Names of all methods that have a figure, sorted."""
    return sorted({name for table in figure_tables() for name in table.rows})
