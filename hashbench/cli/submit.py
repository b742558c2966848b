"""The verb ``submit``."""

import json
from pathlib import Path

import click

EXAMPLE = """\b
Examples:
  hashbench submit results --methods itq,bgan -o mine.zip
  hashbench submit results --methods mine --paper 'mine=Doe, A method, CVPR 2026' --set mine.epochs=40
"""


@click.command("submit", epilog=EXAMPLE)
@click.argument("results", required=False, default="results")
@click.option("-o", "--output", default="submission.zip", show_default=True, metavar="FILE", help="Archive to write.")
@click.option("--methods", default="*", metavar="LIST", help="Only these methods; names or globs.")
@click.option("--datasets", default="*", metavar="LIST", help="Only these data sets or protocols; names or globs.")
@click.option(
    "--paper", "papers", multiple=True, metavar="METHOD=TEXT", help="Paper of a method that does not name it itself."
)
@click.option(
    "--set",
    "parameters",
    multiple=True,
    metavar="METHOD.PARAMETER=VALUE",
    help="State a hyper-parameter of codes from elsewhere.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the card as JSON.")
def command(
    results: str,
    output: str,
    methods: str,
    datasets: str,
    papers: tuple[str, ...],
    parameters: tuple[str, ...],
    as_json: bool,
) -> int:
    """Pack codes of a result folder, for others to score and publish.

    RESULTS is a folder of hashbench run, or of hashbench score --protocol. Packed are the codes and item numbers of
    queries and database, and a card of the method, its paper, what it saw and its hyper-parameters; no images, no
    labels, no scores. hashbench accept scores such a file.
    """
    from hashbench.planning.grid import parse_settings
    from hashbench.submission.card import card_bytes
    from hashbench.submission.submit import submit
    from hashbench.util.named_texts import named_texts

    made = submit(
        results,
        output,
        methods=methods,
        datasets=datasets,
        papers=named_texts("--paper", papers, "METHOD=TEXT", "mine=Doe, A method, CVPR 2026"),
        parameters=parse_settings(parameters),
    )
    for line in made.left_out:
        click.echo(line, err=True)
    if as_json:
        click.echo(json.dumps(json.loads(card_bytes(made.card)), indent=1))
        return 0
    for entry in made.card.entries:
        click.echo(f"{entry}: features {entry.features}, saw {entry.information}; {entry.paper}")
    click.echo(f"{output}: {len(made.card.entries)} codes, {Path(output).stat().st_size:,} bytes")
    return 0
