"""The verb ``status``."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import click

EXAMPLE = """\b
Examples:
  hashbench status
  hashbench status results/night --json
"""


@click.command("status", epilog=EXAMPLE)
@click.argument("results", metavar="[RESULTS]", default="results")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(results: str, as_json: bool) -> int:
    """Show what a result folder has, what failed, and who runs what; RESULTS is the folder, "results" by default.

    Reads the folder alone, so runs on other machines and jobs of a cluster are seen as well. Those of other machines
    are watched for six seconds: one whose lease does not change is "silent"; after a minute another run takes its
    trials over.
    """
    from hashbench.cli import options
    from hashbench.records.results import results as read

    found = read(results)
    for fault in found.faults:
        options.name_fault(fault)
    facts = _facts(found.records, Path(results))
    if as_json:
        click.echo(json.dumps({"results": results, **facts, "unreadable": list(found.faults)}, indent=1))
    else:
        _print(results, facts)
    return 0


def _facts(records: tuple[dict[str, Any], ...], folder: Path) -> dict[str, Any]:
    """Counts by status, failed trials, and those that are being run, of the newest record of each trial."""
    from hashbench.cli.summary import reason, trial_name
    from hashbench.execution.claims import RUN_PREFIX
    from hashbench.records.newest import newest_records
    from hashbench.records.store import ENDED_WELL, Store
    from hashbench.util.lease import signs_of_life

    newest = list(newest_records(records).values())
    failed = [record for record in newest if record["status"] not in ENDED_WELL]
    held: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for lease, life in signs_of_life(Store(folder).leases):
        holder = None if lease.holder is None else {"host": lease.holder.host, "process": lease.holder.number}
        of_run = lease.name.startswith(RUN_PREFIX)
        held[of_run].append({**({} if of_run else {"key": lease.name}), **lease.about, "holder": holder, "state": life})
    return {
        "trials": dict(Counter(str(record["status"]) for record in newest)),
        "failed": [
            {"key": one["key"], "trial": trial_name(one), "status": one["status"], "reason": reason(one)}
            for one in failed
        ],
        "running": held[False],
        "runs": held[True],
    }


def _print(results: str, facts: dict[str, Any]) -> None:
    from hashbench.cli.summary import MOST_NAMED, counts_text
    from hashbench.execution.claims import RATES_LEASE
    from hashbench.reporting.plain_text import plain

    for one in facts["failed"][:MOST_NAMED]:
        click.echo(f"{one['status']:<8} {one['trial']}: {one['reason']}  ({one['key']})")
    if (more := len(facts["failed"]) - MOST_NAMED) > 0:
        click.echo(f"... and {more:,} more, which --json names")
    for one in facts["running"]:
        trial = plain(str(one.get("trial", one["key"])))
        click.echo(f"{one['state']:<8} {trial}{_phase(one)}  ({_holder(one)})")
    for one in facts["runs"]:
        ended = f"{one.get('ended')} of {one.get('trials')} trials ended, {one.get('failed')} failed"
        word = "run" if one["state"] == "running" else one["state"]
        click.echo(f"{word:<8} {ended}: {plain(str(one.get('command')))}  ({_holder(one)})")
    trials = [one for one in facts["running"] if one["key"] != RATES_LEASE]
    lost = [one for one in trials if one["state"] == "lost"]
    click.echo(f"{results}: {counts_text(facts['trials'])}, {len(trials) - len(lost):,} being run")
    if lost:
        click.echo("lost: the process has ended; the next run takes the trial over")


def _phase(one: dict[str, Any]) -> str:
    done = f" {one['done']:,} of {one['total']:,}" if one.get("total") else ""
    return f": {one['phase']}{done}" if one.get("phase") else ""


def _holder(one: dict[str, Any]) -> str:
    holder = one["holder"]
    return "unknown" if holder is None else f"process {holder['process']} on {holder['host']}"
