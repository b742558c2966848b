"""The verb ``clean``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hashbench.cli import options

if TYPE_CHECKING:
    from hashbench.util.leftovers import Leftover

EXAMPLE = """\b
Examples:
  hashbench clean
  hashbench clean --results results/old --unfinished --yes
"""


@click.command("clean", epilog=EXAMPLE)
@options.results
@click.option("--unfinished", is_flag=True, help="Also checkpoints of trainings that were stopped and not taken up.")
@click.option("--yes", is_flag=True, help="Remove what is listed.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(results: str, unfinished: bool, yes: bool, as_json: bool) -> int:
    """List what the result folder and the cache hold and nothing refers to, with sizes; remove it with --yes.

    That is: checkpoints of trials that have ended well, or that failed and that today's code would not go on from;
    codes, fitted methods, rates and logs without a record; leases and temporary files of processes that were killed;
    features of an earlier version of what computes them, and damaged ones. Records are never removed, nor what a run
    is at work on.
    """
    from hashbench.planning.currency import outdated_records
    from hashbench.planning.unreadable_features import unreadable_features
    from hashbench.records.results import results as read
    from hashbench.records.store import Store
    from hashbench.records.unreferenced import trainings_to_resume, unreferenced
    from hashbench.util.leftovers import disk_bytes, unfinished_writes
    from hashbench.util.paths import cache_folder

    store, cache = Store(Path(results)), cache_folder()
    outdated = outdated_records(read(results))
    found = [*unreferenced(store, outdated, unfinished), *unreadable_features(cache), *unfinished_writes(cache)]
    for leftover in found if yes else []:
        leftover.remove()
    resumable = [] if unfinished else trainings_to_resume(store)
    kept = {"checkpoints": len(resumable), "bytes": disk_bytes(resumable)}
    if as_json:
        rows = [{"path": str(one.path), "reason": one.reason, "bytes": one.bytes} for one in found]
        click.echo(json.dumps({"found": rows, "removed": yes, "stopped_trainings": kept}, indent=1))
    else:
        _print(found, yes, kept)
    return 0


def _print(found: "list[Leftover]", removed: bool, kept: dict[str, Any]) -> None:
    from hashbench.util.paths import shown
    from hashbench.util.sizes import size

    for one in found:
        click.echo(f"{size(one.bytes):>8}  {shown(one.path)}  ({one.reason})")
    total = size(sum(one.bytes for one in found))
    if not found:
        click.echo("nothing is left over")
    else:
        click.echo(f"{total} removed" if removed else f"{total} in all; nothing was removed, --yes removes it")
    if kept["checkpoints"]:
        what = f"{kept['checkpoints']:,} checkpoints of stopped trainings, {size(kept['bytes'])}"
        click.echo(f"kept: {what}; the same command goes on from them, --unfinished lists them too")
