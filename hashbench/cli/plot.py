"""The verb ``plot``."""

from pathlib import Path
from typing import Any

import click

from hashbench.cli import options

EXAMPLE = """\b
Kinds: precision-recall, map-by-bits, precision-at-k, recall-by-m, throughput, training

\b
Examples:
  hashbench plot
  hashbench plot map-by-bits,throughput --datasets cifar10 --methods 'bgan*,itq' --format svg --out paper
  hashbench plot map-by-bits --metric map@5000 --bits 16,32,64 --format pdf --no-title
"""


@click.command("plot", epilog=EXAMPLE)
@click.argument("kinds", metavar="[KIND,...]", default="")
@options.results
@click.option("--out", metavar="DIR", help="Where the figures go.  [default: DIR/figures of the results]")
@click.option("--format", "formats", default="png,svg", show_default=True, metavar="LIST", help="png, svg, pdf.")
@click.option("--datasets", metavar="LIST", help="Data sets or protocols, names or globs.  [default: all]")
@click.option("--methods", metavar="LIST", help="Rows to show, by method or label, names or globs.  [default: all]")
@options.metric
@options.bits
@click.option("--no-title", is_flag=True, help="No heading above the panels, for a paper that has captions.")
def command(kinds: str, **given: Any) -> int:
    """Draw figures of the records: a file per kind, table and format.

    Without KIND, every kind that the records have data for is drawn. The reference rows are always shown. A method has
    the same colour, marker and dashes in every figure of a result folder. Prints the paths of the files; exits with 3
    if there was nothing to draw.
    """
    from dataclasses import replace

    from hashbench.planning.grid import split_list
    from hashbench.records.results import results
    from hashbench.reporting.figures.choice import choose_methods, choose_tables
    from hashbench.reporting.figures.files import check_formats
    from hashbench.reporting.figures.kinds import KINDS, kind_named
    from hashbench.reporting.figures.style import row_styles
    from hashbench.reporting.leaderboard.selection import code_lengths, selected
    from hashbench.reporting.leaderboard.tables import tables

    chosen, formats = split_list(kinds) or tuple(KINDS), split_list(given["formats"])
    for kind in chosen:
        kind_named(kind)
    check_formats(formats)
    folder = Path(given["results"])
    records = results(folder)
    for fault in records.faults:
        options.name_fault(fault)
    records = replace(selected(records, bits=code_lengths(given["bits"])), files={})  # no queries are compared
    shown = tables(records, metric=given["metric"])
    if not shown:
        click.echo(f"hashbench: no records in {str(folder)!r} to draw; make some with hashbench run", err=True)
        return 3
    styles = row_styles(shown)
    if given["datasets"]:
        shown = choose_tables(shown, split_list(given["datasets"]))
    if given["methods"]:
        shown = choose_methods(shown, split_list(given["methods"]))
    out = Path(given["out"]) if given["out"] else folder / "figures"
    return _draw(shown, styles, out, chosen, formats, not given["no_title"])


def _draw(shown: Any, styles: Any, out: Path, kinds: tuple[str, ...], formats: tuple[str, ...], titled: bool) -> int:
    from hashbench.reporting.figures.files import write_figures
    from hashbench.reporting.figures.kinds import KINDS

    drawn = 0
    for kind in kinds:
        before = drawn
        for path in write_figures(shown, styles, out, [kind], formats, titled):
            click.echo(str(path))
            drawn += 1
        if drawn == before:
            click.echo(f"hashbench: {kind}: nothing to draw, {KINDS[kind].lacking}", err=True)
    return 0 if drawn else 3
