"""A comparison on a terminal, as Markdown and as JSON."""

from dataclasses import asdict
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from hashbench.evaluation.headline import HEADLINE
from hashbench.records.outdated import KINDS, WAY_OUT
from hashbench.reporting.comparison.result import FAILING, ComparedCell, Comparison
from hashbench.reporting.leaderboard.markdown import escaped
from hashbench.reporting.metric_names import metric_name
from hashbench.reporting.plain_text import NONE, markdown_table, plain
from hashbench.reporting.statistics import RESAMPLES
from hashbench.reporting.terminal_table import Column, Line, print_table

COLOURS = {**dict.fromkeys(FAILING, "bold red"), "better": "green", "missing": "yellow", "incomparable": "yellow"}
HEAD = ("method", "bits", "A", "B", "B - A", "95 % interval", "p", "d", "runs", "verdict")
NUMBERS = HEAD[1:-1]
LATER = {"d": 5, "A": 4, "runs": 3, "95 % interval": 2, "p": 1}  # on narrow terminals in a block below


def show(comparison: Comparison, console: Console) -> None:
    """Print a table for each table of the results, then what could not be compared, then what the columns mean."""
    columns = [
        Column(name, name in ("method", "verdict"), name in ("method", "bits"), LATER.get(name, 0)) for name in HEAD
    ]
    for table_name, cells in _by_table(comparison):
        console.print()
        print_table(console, table_name, columns, map(_line, cells))
    for cell in comparison.cells:
        if cell.reason:
            console.print(Text(_remark(cell), style=COLOURS.get(cell.verdict, "dim")))
    console.print(Padding(Text(caption(comparison), style="dim"), (1, 0)))
    console.print(Text(summary(comparison), style="bold"))


def markdown(comparison: Comparison) -> str:
    """The same as Markdown."""
    parts = ["# Comparison", escaped(summary(comparison))]
    for table_name, cells in _by_table(comparison):
        rows = [[escaped(word) for word in _words(cell)] for cell in cells]
        parts += [f"## {escaped(table_name)}", markdown_table(HEAD, rows, [name in NUMBERS for name in HEAD])]
    remarks = [f"* {escaped(_remark(cell))}" for cell in comparison.cells if cell.reason]
    remarks += [f"* {escaped(plain(fault))}" for fault in comparison.faults]
    parts += ["\n".join(remarks)] if remarks else []
    return "\n\n".join([*parts, escaped(caption(comparison))]) + "\n"


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Everything a program would read; cells as dictionaries."""
    return {
        "first": comparison.first,
        "second": comparison.second,
        "exit_code": comparison.exit_code,
        "counts": comparison.counts,
        "cells": [_facts(cell) for cell in comparison.cells],
        "faults": list(comparison.faults),
    }


def summary(comparison: Comparison) -> str:
    """One line: how many cells have which verdict."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in comparison.counts.items()) or "no cell on either side"
    return plain(f"B = {comparison.second} against A = {comparison.first}: {counts}")


def caption(comparison: Comparison) -> str:
    """Sentences on the meaning of the columns."""
    held = ""
    if "failed" in comparison.counts:
        held += " Failed: trials of B did not finish."
    if any(kind in comparison.counts for kind in KINDS):
        held += f" {WAY_OUT[0].upper()}{WAY_OUT[1:]}."
    shared = any(cell.same_runs for cell in comparison.cells) or not comparison.compared
    runs = "that both have (runs); where they share none, over all of each (runs 3 / 5)" if shared else "of each (runs)"
    headlines = list(dict.fromkeys(cell.headline for cell in comparison.cells if cell.paired)) or [HEADLINE]
    names, figure = " or ".join(map(metric_name, headlines)), "AP" if headlines == [HEADLINE] else "figures"
    return (
        f"{names} of A and B over the queries that both scored, {figure} averaged over the repetitions {runs}. "
        "Interval and p by paired bootstrap over "
        f"queries ({RESAMPLES:,} resamples), p adjusted by Holm over all cells of methods that differ "
        f"({comparison.tested}); d is the effect size, the mean difference over its standard deviation. Better and "
        "worse: p < .05. That holds for these queries and these seeds; hashbench check estimates what other seeds "
        f"would give. Equal: the same {figure} of every query. Reference rows are shown and not judged." + held
    )


def _by_table(comparison: Comparison) -> list[tuple[str, list[ComparedCell]]]:
    compared = [cell for cell in comparison.cells if cell.paired]
    return [
        (table_name, list(cells)) for table_name, cells in groupby(compared, key=lambda cell: cell.identity.table_name)
    ]


def _line(cell: ComparedCell) -> Line:
    *words, verdict = map(Text, _words(cell))
    verdict.stylize(COLOURS.get(cell.verdict, ""))
    return Line([*words, verdict])


def _words(cell: ComparedCell) -> list[str]:
    paired, means, p = cell.paired, cell.means, cell.adjusted_p
    assert paired is not None
    assert means is not None
    same = cell.first is not None and cell.first.bits == cell.identity.bits
    runs = str(cell.runs[0]) if cell.same_runs else f"{cell.runs[0]} / {cell.runs[1]}"
    return [
        (" -> ".join(dict.fromkeys(one.row for one in (cell.first, cell.identity) if one))) if same else cell.label,
        str(cell.identity.bits or NONE) if same else "",
        f"{means[0]:.3f}",
        f"{means[1]:.3f}",
        f"{paired.difference:+z.4f}",
        f"{paired.low:+z.3f} {paired.high:+z.3f}",
        NONE if p is None else "<.001" if p < 0.001 else f"{p:.3f}",
        f"{paired.effect:+z.2f}",
        runs,
        cell.verdict,
    ]


def _remark(cell: ComparedCell) -> str:
    return f"{cell.label} on {cell.identity.table_name}: {cell.verdict}: {plain(cell.reason)}"


def _facts(cell: ComparedCell) -> dict[str, Any]:
    return {
        "verdict": cell.verdict,
        "label": cell.label,
        "reason": cell.reason,
        "headline": cell.headline if cell.paired else None,
        "first": cell.first.facts() if cell.first else None,
        "second": cell.second.facts() if cell.second else None,
        "means": list(cell.means) if cell.means else None,
        **(asdict(cell.paired) if cell.paired else {}),
        "adjusted_p": cell.adjusted_p,
        "runs": list(cell.runs),
        "same_runs": cell.same_runs,
    }
