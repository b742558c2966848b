"""Everything that is made from a result folder: leaderboard.md, leaderboard.csv and the figures."""

from pathlib import Path

from hashbench.files import replacing
from hashbench.records.results import results
from hashbench.reporting.csv_file import csv
from hashbench.reporting.figures import write_figures
from hashbench.reporting.markdown import markdown
from hashbench.reporting.tables import tables


def write_reports(
    folder: Path, current: frozenset[str] = frozenset(), stale: frozenset[str] = frozenset(), figures: bool = True
) -> list[Path]:
    """Make all reports of all records in ``folder`` anew; returns what was written, nothing where no record is.

    ``current`` and ``stale`` are what a plan knows of the records' keys, see :func:`tables`; without ``figures`` only
    the tables are made.
    """
    found = tables(results(folder), current, stale)
    if not found:
        return []
    written = []
    for name, content in (("leaderboard.md", markdown(found)), ("leaderboard.csv", csv(found))):
        with replacing(folder / name) as work:
            work.write_text(content, encoding="utf-8")
        written.append(folder / name)
    return written + (write_figures(found, folder / "figures") if figures else [])
