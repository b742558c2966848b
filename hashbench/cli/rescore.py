"""The verb ``rescore``."""

import json
from pathlib import Path
from typing import Any

import click

from hashbench.cli import options

EXAMPLE = """\b
Examples:
  hashbench rescore
  hashbench rescore 3fa9c1
  hashbench rescore --all --results results/old
"""


@click.command("rescore", epilog=EXAMPLE)
@click.argument("records", metavar="[RECORD]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Also records whose metrics have the current version.")
@options.replay
@click.option("--json", "as_json", is_flag=True, help="Print the records as JSON.")
def command(records: tuple[str, ...], everything: bool, as_json: bool, **given: Any) -> int:
    """Compute the metrics of records again from their stored codes, without training.

    RECORD is a record's file or the beginning of its key; without any, all records of the folder whose metrics have
    an older version are rescored. Only the metrics in a record change; the folder's reports are written again. Data
    sets, weights and features are needed only for reference-float, which has no codes. Exits with 1 if something could
    not be rescored, with 2 if nothing could.
    """
    from hashbench.evaluation.headline import METRIC_VERSION
    from hashbench.replay.rescore import choose, rescore_records

    context = options.replay_context(given)
    selection = choose(Path(given["results"]), everything, records)
    for line in selection.faults:
        options.name_fault(line)
    current = selection.current
    if not selection.records and not current:
        return 2
    if current:
        click.echo(f"{current} records have metrics of the current version {METRIC_VERSION}; see --all", err=True)
    show = (lambda *_: None) if as_json else _show
    done = rescore_records(selection.records, context, show)
    if as_json:
        click.echo(json.dumps(list(done.records), indent=1))
    for fault in done.faults:
        options.name_fault(fault)
    return 0 if not done.faults else 1 if done.records or current else 2


def _show(stored: Any, record: dict[str, Any]) -> None:
    click.echo(f"{stored.trial}: {_change(stored.record, record)}")


def _change(before: dict[str, Any], after: dict[str, Any]) -> str:
    from hashbench.evaluation.headline import headline_of
    from hashbench.reporting.metric_names import metric_name

    if after["metrics"] is None:
        return f"{after['status']}, nothing to score"
    headline = headline_of(before["protocol_card"])
    old, new = (record["metrics"].get(headline) for record in (before, after))
    same = "as before" if old == new else "was none" if old is None else f"was {old:.6f}"
    return f"{metric_name(headline)} {new:.6f} ({same})"
