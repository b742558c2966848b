"""A check of rates on a terminal or in a log: the change of each rate over all methods, and what did not pass."""

import statistics

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from hashbench.reporting.regression.rate_report import FAILING, RateReport
from hashbench.reporting.regression.rates import MAX_JOB_TIME
from hashbench.reporting.terminal_table import Column, Line, print_table

COLOURS = {**dict.fromkeys(FAILING, "bold red"), "faster": "green"}
HEAD = ("rate", "methods", "least", "median", "most")


def show_rates(report: RateReport, console: Console) -> None:
    """Print head / base for each kind of rate, then what did not pass or is faster, the outcome last."""
    ratios: dict[str, list[float]] = {}
    for finding in report.findings:
        if finding.ratio is not None:
            ratios.setdefault(finding.rate, []).append(finding.ratio)
    if ratios:
        lines = []
        for rate, own in ratios.items():
            figures = (min(own), statistics.median(own), max(own))
            lines.append(Line([Text(rate), Text(str(len(own))), *(Text(f"{figure:.2f}") for figure in figures)]))
        columns = [Column(name, text=name == "rate", key=name == "rate") for name in HEAD]
        print_table(console, "head / base", columns, lines)
    for finding in report.findings:
        if finding.verdict != "passed":
            line = f"{finding.verdict}: {finding.label} on {finding.table_name}: {finding.sentence}"
            console.print(Text(line, style=COLOURS[finding.verdict]))
    for note in report.notes:
        console.print(Text(note, style="yellow"))
    if not report.refused:
        caption = (
            f"Judged for each method and kind of rate, over its code lengths. Slower: by more than {report.slower:.0%} "
            "in the median of the rounds, with ranges of the rounds that lie apart. Measured in turn within "
            f"{MAX_JOB_TIME.total_seconds() / 3600:.0f} hours on {'; '.join(report.machines)}; whether something else "
            "ran meanwhile is not known."
        )
        console.print(Padding(Text(caption, style="dim"), (1, 0)))
    console.print(Text(report.summary, style="bold" if report.exit_code else "bold green"))
