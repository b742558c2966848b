"""Tables as the page shows them: plain data, the same for the same records."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from hashbench.reporting.leaderboard.caption import caption, failures, title
from hashbench.reporting.leaderboard.cell_text import NONE, STALE_MARK
from hashbench.reporting.leaderboard.table import HEADLINE, Row, Table
from hashbench.reporting.page.cell import cell_content
from hashbench.reporting.page.facts import facts
from hashbench.reporting.page.measures import Measure, measures
from hashbench.reporting.page.origin import Content, Origins, machine_text, parameter_texts
from hashbench.reporting.plain_text import plain

LONGEST_NAME = 120
LONGEST_SENTENCE = 2_000

KINDS = ("ranked", "unranked", "reference")


@dataclass
class Shown:
    """A cell as it first stands in the page: the headline metric; the script fills in others."""

    place: int | None
    number: str
    spread: str
    best: bool
    like: bool


@dataclass
class Line:
    """A row of a table as it first stands in the page."""

    number: int
    label: str
    kind: str
    rank: int | None
    cells: list[Shown]


@dataclass
class Section:
    """A table with everything that is said about it.

    Attributes:
        id: for links, made of what the table stands on.
        heading: the protocol; ``subheading``: what else tells this table from others.
        facts: what a number of it needs to be quoted, as terms and texts.
        sentences: the caption.
        compared: cells were compared with the best of their column.
        failures: a line for each trial that did not end well.
        lines: its rows: ranked, unranked, references.
        content: the same and more for the script.
    """

    id: str
    heading: str
    subheading: str
    dataset: str
    features: str
    columns: list[int]
    facts: list[tuple[str, str]]
    sentences: list[str]
    compared: bool
    failures: list[str]
    lines: list[Line]
    content: Content = field(repr=False)

    def of_kind(self, kind: str) -> list[Line]:
        """The rows of one of ``KINDS``."""
        return [line for line in self.lines if line.kind == kind]

    @property
    def leader(self) -> tuple[str, str] | None:
        """Label and headline value, at the longest code, of the row that ranks first."""
        first = next(iter(self.of_kind("ranked")), None)
        return (first.label, first.cells[-1].number) if first else None


def page_content(tables: Sequence[Table], origins: Origins) -> tuple[list[Section], Content]:
    """The sections of the page, and the data of its script."""
    shown = measures(record for table in tables for record in table.records())
    sections = [_section(table, shown, origins) for table in tables]
    return sections, {
        "measures": [_measure(measure) for measure in shown],
        "headline": HEADLINE,
        "tables": [section.content for section in sections],
        "texts": origins.texts,
    }


def _measure(measure: Measure) -> Content:
    return {name: getattr(measure, name) for name in ("id", "name", "group", "better", "unit", "meaning")}


def _section(table: Table, shown: Sequence[Measure], origins: Origins) -> Section:
    ground = table.ground
    heading, _, subheading = title(table).removeprefix("mAP@1000 on ").partition(", ")
    heading, subheading = plain(heading), plain(subheading)
    dataset = ground.protocol.partition("/")[0]
    lines, rows, cells = _rows(table, shown, origins)
    content = {
        "title": f"{heading}, {subheading}",
        "dataset": dataset,
        "features": ground.features,
        "weights": ground.weights,
        "dtype": ground.dtype,
        "card": ground.card,
        "seed": ground.seed,
        "bits": table.columns,
        "hardware": machine_text(table.hardware) if table.hardware else None,
        "otherHardware": table.other_hardware,
        "rows": rows,
        "cells": cells,
    }
    return Section(
        id=_id(table),
        heading=heading,
        subheading=subheading,
        dataset=dataset,
        features=ground.features,
        columns=table.columns,
        facts=list(facts(table)),
        sentences=[plain(sentence, LONGEST_SENTENCE) for sentence in caption(table)],
        compared=any(cell.vs_best for row in table.ranked for cell in row.cells.values()),
        failures=[plain(line, LONGEST_SENTENCE) for line in failures(table)],
        lines=lines,
        content=content,
    )


def _rows(table: Table, shown: Sequence[Measure], origins: Origins) -> tuple[list[Line], list[Content], list[Content]]:
    """The rows as they first stand in the page; the same for the script, and their cells, which the rows number."""
    lines: list[Line] = []
    rows: list[Content] = []
    cells: list[Content] = []
    for kind, of_kind in zip(KINDS, (table.ranked, table.unranked, table.references), strict=True):
        for number, row in enumerate(of_kind, 1):
            places: dict[int | None, int] = {}
            for bits, cell in sorted(row.cells.items(), key=lambda item: item[0] or 0):
                places[bits] = len(cells)
                marks = {"best": _is_best(table, row, bits), "like": cell.tied_with_best}
                cells.append({**marks, **cell_content(cell, bits, shown, origins)})
            at = [places.get(bits, places.get(None)) for bits in table.columns]
            firsts = [_shown(table, row, bits, place) for bits, place in zip(table.columns, at, strict=True)]
            label, rank = plain(row.label, LONGEST_NAME), number if kind == "ranked" else None
            lines.append(Line(len(rows), label, kind, rank, firsts))
            content = {"label": label, "kind": kind, "rank": rank, "cells": at, "preset": row.preset}
            rows.append({**content, "parameters": parameter_texts(row.parameters)})
    return lines, rows, cells


def _is_best(table: Table, row: Row, bits: int | None) -> bool:
    return bits is not None and row in table.ranked and row.cell(bits).mean(HEADLINE) == table.best(bits)


def _shown(table: Table, row: Row, bits: int, place: int | None) -> Shown:
    cell = row.cell(bits)
    mean, deviation = cell.mean(HEADLINE), cell.deviation(HEADLINE)
    lacking = cell.failed[0]["status"] if cell.failed else NONE
    number = lacking if mean is None else f"{mean:z.3f}{STALE_MARK if cell.stale else ''}"
    spread = "" if deviation is None else f"{deviation:.3f}"
    return Shown(place, number, spread, _is_best(table, row, bits), cell.tied_with_best)


def _id(table: Table) -> str:
    ground = table.ground
    name = re.sub(r"[^A-Za-z0-9]+", "-", f"{ground.protocol}-{ground.features}").strip("-")
    return f"{name[:60]}-{hashlib.sha256(repr(ground).encode()).hexdigest()[:6]}"
