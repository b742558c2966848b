"""Tables as the page shows them: plain data, the same for the same records."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from hashbench.evaluation.headline import HEADLINE, NEIGHBOURS_HEADLINE
from hashbench.reporting.leaderboard.caption import caption, failures, few_codes
from hashbench.reporting.leaderboard.cell_text import STALE_MARK, information_text, multiple
from hashbench.reporting.leaderboard.table import Row, Table
from hashbench.reporting.page.cell import cell_content
from hashbench.reporting.page.facts import facts
from hashbench.reporting.page.measures import Measure, measures
from hashbench.reporting.page.origin import Content, Origins, machine_with_id, parameter_texts
from hashbench.reporting.plain_text import NONE, plain

LONGEST_NAME = 120
LONGEST_SENTENCE = 2_000


@dataclass
class PageCell:
    """A cell before the script fills in other metrics: the headline.

    Attributes:
        cell: its number in the script's data.
        text: the mean, or why there is none.
        spread: the standard deviation, empty where there is none.
        multiple: the m that stands beside the recall of neighbours, empty elsewhere.
        best, like: its mark.
    """

    cell: int | None
    text: str
    spread: str
    multiple: str
    best: bool
    like: bool


@dataclass
class PageLine:
    """A row before the script changes its cells."""

    number: int
    label: str
    kind: str
    rank: int | None
    information: str
    cells: list[PageCell]


@dataclass
class Section:
    """A table with its heading, facts, caption and failures.

    Attributes:
        id: for links, made of the table's key.
        heading, subheading: the protocol; the features and whatever else distinguishes this table from others.
        metric: its id, of what it shows and ranks by.
        facts: what a reader needs before the first number, as terms and texts.
        sentences: the caption.
        shows_information: a column says what each method sees.
        compared: cells were compared with the best of their column.
        failures: a line for each trial that did not end well.
        lines: its rows: ranked, unranked, references.
        content: for the script.
    """

    id: str
    heading: str
    subheading: str
    dataset: str
    features: str
    metric: str
    columns: list[int]
    facts: list[tuple[str, str]]
    sentences: list[str]
    shows_information: bool
    compared: bool
    failures: list[str]
    lines: list[PageLine]
    content: Content = field(repr=False)

    def of_kind(self, kind: str) -> list[PageLine]:
        """The rows of one kind: "ranked", "unranked" or "reference"."""
        return [line for line in self.lines if line.kind == kind]

    @property
    def leader(self) -> tuple[str, str] | None:
        """Which rows rank first, and the best one's value at the longest code; None where no row has a rank."""
        first = [line for line in self.of_kind("ranked") if line.rank == 1]
        if not first:
            return None
        others = f" and {len(first) - 1} tied with it lead" if len(first) > 1 else " leads"
        shown = first[0].cells[-1]
        return f"{first[0].label}{others}", " · ".join(filter(None, (shown.text, shown.multiple)))


def page_content(tables: Sequence[Table], origins: Origins) -> tuple[list[Section], Content]:
    """The sections of the page, and the data of its script."""
    shown = measures((record for table in tables for record in table.records()), {table.metric for table in tables})
    sections = [_section(table, shown, origins) for table in tables]
    return sections, {
        "measures": [_measure(measure) for measure in shown],
        "headlines": {"labels": HEADLINE, "neighbours": NEIGHBOURS_HEADLINE},
        "tables": [section.content for section in sections],
        "texts": origins.texts,
    }


def _measure(measure: Measure) -> Content:
    return {name: getattr(measure, name) for name in ("id", "name", "group", "better", "unit", "meaning", "relevance")}


def _section(table: Table, shown: Sequence[Measure], origins: Origins) -> Section:
    key = table.key
    heading, _, subheading = table.name.partition(", ")
    heading, subheading = plain(heading), plain(subheading)
    dataset = key.protocol.partition("/")[0]
    lines, rows, cells = _rows(table, shown, origins)
    content = {
        "title": f"{heading}, {subheading}",
        "dataset": dataset,
        "features": key.features,
        "weights": key.weights,
        "dtype": key.dtype,
        "card": key.card,
        "seed": key.seed,
        "bits": table.columns,
        "key": key.facts(),
        "fixed": {name: value for name, value in key.facts().items() if not name.startswith("features")},
        "metric": table.metric,
        "headline": table.headline,
        "vectors": table.has_vectors,
        "toldApart": _told_apart(table),
        "hardware": machine_with_id(table.hardware) if table.hardware else None,
        "otherHardware": table.other_hardware,
        "rows": rows,
        "cells": cells,
    }
    return Section(
        id=_id(table),
        heading=heading,
        subheading=subheading,
        dataset=dataset,
        features=key.features,
        metric=table.metric,
        columns=table.columns,
        facts=list(facts(table)),
        sentences=[plain(sentence, LONGEST_SENTENCE) for sentence in (*few_codes(table), *caption(table))],
        shows_information=table.shows_information,
        compared=any(cell.vs_best for row in table.methods for cell in row.cells.values()),
        failures=[plain(line, LONGEST_SENTENCE) for line in failures(table)],
        lines=lines,
        content=content,
    )


def _told_apart(table: Table) -> Content:
    """By code length, and as "mean", a sign for each pair of methods: 1 told apart, 0 not, - not compared.

    Pairs of rows 0 and 1, 0 and 2 and so on to the last two.
    """
    rows = range(len(table.methods))
    pairs = [(one, other) for one in rows for other in rows if one < other]
    return {
        str(bits or "mean"): "".join("-" if pair not in told else str(int(told[pair])) for pair in pairs)
        for bits, told in table.told_apart.items()
    }


def _rows(
    table: Table, shown: Sequence[Measure], origins: Origins
) -> tuple[list[PageLine], list[Content], list[Content]]:
    """The rows for the page, the rows for its script, and the cells, which both refer to by index."""
    lines: list[PageLine] = []
    rows: list[Content] = []
    cells: list[Content] = []
    for line in table.lines():
        kind, rank, row = line
        numbers: dict[int | None, int] = {}
        for bits, cell in row.by_bits():
            numbers[bits] = len(cells)
            marks = {"best": table.is_best(row, bits), "like": cell.tied_with_best}
            cells.append({**marks, **cell_content(cell, bits, shown, origins)})
        numbers_of_columns = [numbers.get(row.length(bits)) for bits in table.columns]
        firsts = [
            _shown(table, row, bits, number) for bits, number in zip(table.columns, numbers_of_columns, strict=True)
        ]
        label = plain(row.label, LONGEST_NAME)
        sees = plain(information_text(line))
        lines.append(PageLine(len(rows), label, kind, rank, sees, firsts))
        content = {"label": label, "kind": kind, "rank": rank, "cells": numbers_of_columns, "preset": row.preset}
        content |= {"information": sees} if table.shows_information else {}
        rows.append({**content, "parameters": parameter_texts(row.parameters)})
    return lines, rows, cells


def _shown(table: Table, row: Row, bits: int, number: int | None) -> PageCell:
    cell = row.cell(bits)
    mean, deviation = cell.mean(table.metric), cell.deviation(table.metric)
    lacking = cell.failed[0]["status"] if cell.failed else NONE
    stale = STALE_MARK if cell.stale else ""
    text = lacking if mean is None else f"{mean:z.3f}{stale}"
    spread = "" if deviation is None else f"{deviation:.3f}"
    beside = "" if mean is None else multiple(cell, table.metric)
    return PageCell(number, text, spread, beside, table.is_best(row, bits), cell.tied_with_best)


def _id(table: Table) -> str:
    name = re.sub(r"[^A-Za-z0-9]+", "-", f"{table.key.protocol}-{table.key.features}").strip("-")
    return f"{name[:60]}-{table.key.digest}"
