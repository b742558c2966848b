"""The verb ``advise``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from hashbench.cli import options

EXAMPLE = """\b
Examples:
  hashbench advise vectors.npy
  hashbench advise vectors.npy --budget 2m --metric cosine --queries queries.npy
  hashbench advise vectors.npy --target neighbours/recall@100=0.9 --candidates 5
"""


@click.command("advise", epilog=EXAMPLE)
@click.argument("file")
@click.option("--budget", default="10m", show_default=True, metavar="TIME", help="How long it may take: 90s, 10m, 1h.")
@click.option(
    "--target",
    default="neighbours/recall@10=0.95",
    show_default=True,
    metavar="METRIC=SHARE",
    help="Share of the nearest that is kept; recall@1, @10 or @100.",
)
@click.option(
    "--candidates",
    type=int,
    metavar="M",
    help="Rescore M times K candidates for recall@K (--candidates 10: a hundred for recall@10).  "
    "[default: the fewest, M up to 100]",
)
@click.option("--metric", metavar="NAME", help="Distance of the neighbours: l2, cosine or ip.  [default: l2]")
@click.option(
    "--queries",
    metavar="FILE|N|NAME",
    help="Queries: a file, a number or share of rows, a column.  [default: a tenth of the rows, at most 1,000]",
)
@click.option("--seed", default=0, show_default=True, metavar="N", help="Root of all draws.")
@options.device
@click.option("-o", "--output", metavar="DIR", help="Folder of page, figure and table.  [default: advice/NAME]")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(file: str, output: str | None, as_json: bool, **given: Any) -> int:
    """Say which binary code keeps the neighbours of your vectors, and how many candidates must be rescored.

    FILE is a file of vectors, as embeddings:FILE of `hashbench run` takes it. Within the time it tries thresholds,
    rotations, learnt codes and lengths, each by Hamming distance and with a real query, first on a small sample, then
    on the largest there is time for. The first line is the verdict: the smallest code that keeps the target when m
    times K candidates are rescored by the float vectors, chosen by one half of the queries and confirmed on the other,
    or "not reached". Then memory, latency, the runner-up, the command that makes the code, and all that was tried.
    Exits with 0 whether the target is reached or not.
    """
    from hashbench.advice.advise import advise
    from hashbench.advice.files import check_folder, default_folder, write_advice
    from hashbench.advice.sample import bare_file
    from hashbench.advice.text import lines
    from hashbench.util.paths import shown
    from hashbench.util.progress import log_to_stderr

    folder = Path(output) if output else default_folder(bare_file(file))
    check_folder(folder)
    advice = advise(file, **given, log=log_to_stderr)
    written = write_advice(advice, folder)
    if as_json:
        click.echo(json.dumps(asdict(advice), indent=1))
        return 0
    for line in lines(advice):
        click.echo(line)
    click.echo("\n" + "\n".join(str(shown(path)) for path in written))
    return 0
