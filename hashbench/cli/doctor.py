"""The verb ``doctor``."""

import json
from dataclasses import asdict
from pathlib import Path

import click

SIGNS = {"fine": "ok", "note": "note", "fault": "FAULT"}
EXAMPLE = """\b
Examples:
  hashbench doctor
  hashbench doctor --online --json
"""


@click.command("doctor", epilog=EXAMPLE)
@click.option("--online", is_flag=True, help="Also ask for a file's headers, to see whether downloads work.")
@click.option("--results", default="results", show_default=True, metavar="DIR", help="Result folder of a run.")
@click.option("--data", metavar="DIR", help="Folder of the data sets.  [default: HASHBENCH_DATA, else data]")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(online: bool, results: str, data: str | None, as_json: bool) -> int:
    """Say what this machine has for runs, what it lacks, and the way out of each problem.

    Looks at versions, processor, compiled kernels, threads, GPU, result folder, cache, data sets and weights; changes
    nothing. A note is about something that only some runs need. Exits with 1 where the default run would not work.
    """
    from hashbench.doctor.examine import examine, works
    from hashbench.reporting.plain_text import plain

    found = examine(Path(results), data, online)
    if as_json:
        click.echo(json.dumps({"works": works(found), "findings": [asdict(each) for each in found]}, indent=1))
        return 0 if works(found) else 1
    for each in found:
        click.echo(f"{SIGNS[each.state]:5}  {each.about}: {plain(each.words, 1000)}")
        if each.way_out:
            click.echo(f"         -> {each.way_out}")
    click.echo("\nThe default run works here." if works(found) else "\nThe default run would not work here.")
    return 0 if works(found) else 1
