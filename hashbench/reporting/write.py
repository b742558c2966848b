"""Writes the reports of a result folder: leaderboard.md, .csv and .html, and figures."""

from collections.abc import Callable, Sequence
from pathlib import Path

from hashbench.errors import UsageError
from hashbench.records.results import Results, results_so_far
from hashbench.reporting.figures.files import write_figures
from hashbench.reporting.figures.style import row_styles
from hashbench.reporting.leaderboard.caption import STALE
from hashbench.reporting.leaderboard.cell_text import STALE_MARK
from hashbench.reporting.leaderboard.csv_file import csv
from hashbench.reporting.leaderboard.markdown import markdown
from hashbench.reporting.leaderboard.table import Table
from hashbench.reporting.leaderboard.tables import tables
from hashbench.reporting.page import html
from hashbench.util.files import replacing
from hashbench.util.progress import Log, no_log

PAGE = "leaderboard.html"
FILES: dict[str, Callable[[Sequence[Table], Results], str]] = {
    "leaderboard.md": lambda shown, _: markdown(shown),
    "leaderboard.csv": lambda shown, _: csv(shown),
    PAGE: html,
}


def write_reports(
    folder: Path, current: frozenset[str] = frozenset(), stale: frozenset[str] = frozenset(), figures: bool = True
) -> list[Path]:
    """Write all reports of the records in ``folder``; returns what was written, nothing if there are no records.

    ``current`` and ``stale`` are what a plan knows of the records' keys, see :func:`tables`; without ``figures`` only
    leaderboard.md and .csv are made.
    """
    content = results_so_far(folder)
    shown = tables(content, current, stale)
    if not shown:
        return []
    written = []
    for name, make in FILES.items():
        if figures or name != PAGE:
            with replacing(folder / name) as work:
                work.write_text(make(shown, content), encoding="utf-8")
            written.append(folder / name)
    if figures:
        styles = row_styles(shown)
        written += write_figures(shown, styles, folder / "figures", ["precision-recall"])
        by_neighbours = [table for table in shown if table.by_neighbours]
        written += write_figures(by_neighbours, styles, folder / "figures", ["recall-by-m"])
        several = [table for table in shown if len(table.columns) > 1]
        written += write_figures(several, styles, folder / "figures", ["map-by-bits"])
    return written


def out_of_date(folder: Path, log: Log = no_log) -> list[Path]:
    """Which leaderboards of a result folder are not what its records make.

    Marks of stale records, which only a run knows, make no difference; a page with such marks is not checked.

    Args:
        folder: the result folder.
        log: gets a line for each record that cannot be read.

    Raises:
        UsageError: the folder has no leaderboard.
    """
    present = [folder / name for name in FILES if (folder / name).is_file()]
    if not present:
        raise UsageError(f"{str(folder)!r} has none of {', '.join(FILES)}; wanted a folder of hashbench run")
    content = results_so_far(folder)
    for fault in content.faults:
        log(fault)
    shown = tables(content)
    return [file for file in present if _differs(file, FILES[file.name](shown, content))]


def _differs(file: Path, made: str) -> bool:
    text = file.read_text(encoding="utf-8")
    if file.name == PAGE and STALE_MARK in text:
        return False
    return text.replace(f" {STALE}", "").replace(STALE_MARK, "") != made
