"""The verb ``compare``."""

import json

import click

from hashbench.cli import options
from hashbench.util.collection import without_collection

EXAMPLE = """\b
Examples:
  hashbench compare results/main results/branch
  hashbench compare results/main results/branch --format md > comparison.md
  hashbench compare results --methods itq,mine
  hashbench compare results/records/*-lsh-32-0-*.json results/records/*-itq-32-0-*.json
"""


@click.command("compare", epilog=EXAMPLE)
@click.argument("first", metavar="A")
@click.argument("second", metavar="[B]", required=False)
@click.option("--methods", metavar="A,B", help="Compare these two methods of one result folder, over all their seeds.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "md"]),
    default="text",
    show_default=True,
    help="What is printed.",
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.option("--allow-stale", is_flag=True, help="Compare also results in B that today's code would not make.")
@without_collection()
def command(first: str, second: str | None, methods: str | None, form: str, as_json: bool, allow_stale: bool) -> int:
    """Compare the results in B with those in A, cell by cell on the same queries; or two methods of one folder.

    A and B are result folders, or two records' .json files, which may be of two methods. Says of each cell whether B
    is better, worse, equal, or without evidence for either (paired bootstrap over queries, Holm's correction), and
    which are missing on a side or incomparable, and why. Reference rows are shown and not judged. Cells of B whose
    trials failed, or that today's code would not make (stale, superseded, gone), fail; A may be of older code. Of two
    records' files that is said and does not fail. Exits with 1 if a cell is worse or failed, with 3 if no method's
    cell could be compared.
    """
    from hashbench.replay.gates import compare
    from hashbench.reporting.comparison.views import as_json as facts
    from hashbench.reporting.comparison.views import markdown, show

    comparison = compare(first, second, methods=methods, allow_stale=allow_stale)
    for fault in dict.fromkeys(comparison.faults):
        options.name_fault(fault)
    if as_json:
        click.echo(json.dumps(facts(comparison), indent=1))
    elif form == "md":
        click.echo(markdown(comparison), nl=False)
    else:
        from rich.console import Console

        show(comparison, Console(highlight=False))
    return comparison.exit_code
