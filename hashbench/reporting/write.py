"""Everything that is made from a result folder: leaderboard.md, leaderboard.csv and the figures."""

from pathlib import Path

from hashbench.files import replacing
from hashbench.records.results import results
from hashbench.reporting.csv_file import csv
from hashbench.reporting.figures import write_figures
from hashbench.reporting.markdown import markdown
from hashbench.reporting.table import tables


def write_reports(folder: Path) -> list[Path]:
    """Make all reports of all records in ``folder`` anew; returns what was written, nothing where no record is."""
    found = tables(results(folder))
    if not found:
        return []
    written = []
    for name, content in (("leaderboard.md", markdown(found)), ("leaderboard.csv", csv(found))):
        with replacing(folder / name) as work:
            work.write_text(content, encoding="utf-8")
        written.append(folder / name)
    return written + write_figures(found, folder / "figures")
