"""A check on a terminal or in a log: a line for each cell, and for each figure that did not pass."""

from itertools import groupby

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from hashbench.evaluation.headline import HEADLINE, HEADLINES
from hashbench.reporting.regression.report import FAILING, SAME, SINGLE, SPREAD, Finding, Report
from hashbench.reporting.terminal_table import Column, Line, print_table

COLOURS = {**dict.fromkeys(FAILING, "bold red"), "improved": "green", "new": "cyan"}
HEAD = ("method", "bits", "base", "now", "change", "allowed", "runs", "verdict")
LATER = {"runs": 3, "base": 2, "allowed": 1}  # on narrow terminals in a block below
RULES = {
    SAME: "= the same runs under the same hardware and versions",
    SPREAD: "other seeds, hardware or versions: allowed is what the spread over the baseline's seeds allows",
    SINGLE: "1 method without a draw under other hardware or versions",
}


def show(report: Report, console: Console) -> None:
    """Print a table for each table of the results, then cells that were not judged, notes, and the outcome last."""
    if report.exit_code != 3:
        for table_name, findings in groupby(report.findings, key=lambda finding: finding.table_name):
            shown = [finding for finding in findings if _worth_a_line(finding)]
            _show_table(table_name, shown, console)
        for finding in report.findings:
            if finding.baseline is None:
                line = f"{finding.verdict}: {finding.label} on {finding.table_name}: {finding.sentence}"
                console.print(Text(line, style=COLOURS[finding.verdict]))
    for note in report.notes:
        console.print(Text(note, style="yellow"))
    if any(finding.rule for finding in report.findings):
        console.print(Padding(Text(_caption(report), style="dim"), (1, 0)))
    console.print(Text(report.summary, style="bold" if report.exit_code else "bold green"))
    if "improved" in report.counts or "new" in report.counts:
        console.print(Text("hashbench check --update-baseline takes what is improved or new into the baseline"))


def _show_table(table_name: str, findings: list[Finding], console: Console) -> None:
    if not findings:
        return
    columns = [
        Column(name, name in ("method", "verdict"), name in ("method", "bits"), LATER.get(name, 0)) for name in HEAD
    ]
    lines, last = [], None
    for finding in findings:
        words = [_first_column(finding, finding.identity != last), *_words(finding)]
        lines.append(Line([*map(Text, words[:-1]), Text(words[-1], style=COLOURS.get(finding.verdict, ""))]))
        last = finding.identity
    console.print()
    print_table(console, table_name, columns, lines)


def _worth_a_line(finding: Finding) -> bool:
    return finding.baseline is not None and (finding.metric in HEADLINES or finding.verdict != "passed")


def _first_column(finding: Finding, first: bool) -> str:
    """The method for a cell's first line, and its metric where that is not the headline."""
    if finding.metric in HEADLINES:
        return finding.identity.row
    return f"{finding.identity.row}, {finding.metric}" if first else f"  {finding.metric}"


def _words(finding: Finding) -> list[str]:
    assert finding.baseline is not None
    assert finding.now is not None
    old, new = finding.runs
    runs = {SAME: f"= {new}", SPREAD: f"{new} / {old}", SINGLE: "1"}[finding.rule]
    return [
        str(finding.identity.bits or "–"),
        f"{finding.baseline:.4f}",
        f"{finding.now:.4f}",
        f"{finding.now - finding.baseline:+z.4f}",
        f"{finding.tolerance:.4f}",
        runs,
        finding.verdict,
    ]


def _caption(report: Report) -> str:
    judged = {finding.metric for finding in report.findings}
    shown = ", ".join(name for name in HEADLINES if name in judged) or HEADLINE
    used = {finding.rule for finding in report.findings}
    rules = "; ".join(words for rule, words in RULES.items() if rule in used)
    metrics = ", ".join(dict.fromkeys(str(finding.metric) for finding in report.findings if finding.metric))
    return (
        f"Judged: {metrics or 'nothing'}; shown: {shown}, and of the others what did not pass. Means over runs; "
        f"base is the baseline; runs now / there ({rules})."
    )
