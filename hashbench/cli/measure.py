"""The verb ``measure``."""

import json
from pathlib import Path
from typing import Any

import click

from hashbench.cli import options

EXAMPLE = """\b
Examples:
  hashbench measure
  hashbench measure 3fa9c1 --device cpu
"""


@click.command("measure", epilog=EXAMPLE)
@click.argument("records", metavar="[RECORD]...", nargs=-1)
@options.replay
@click.option("--json", "as_json", is_flag=True, help="Print the rates as JSON.")
def command(records: tuple[str, ...], as_json: bool, **given: Any) -> int:
    """Measure encoding and search rates again on this machine, from stored codes and fitted methods.

    RECORD is a record's file or the beginning of its key; without any, all trials that have both are measured. Run
    nothing else meanwhile. Rates of other machines are kept. Exits with 1 if something could not be measured, with 2 if
    nothing could.
    """
    from hashbench.errors import StorageError, UsageError
    from hashbench.records.lookup import find_records
    from hashbench.replay.remeasure import measure_again, stored_trials
    from hashbench.replay.stored_trial import StoredTrial
    from hashbench.reporting.write import write_reports

    results = Path(given["results"])
    context = options.replay_context(given)
    if records:
        trials = [StoredTrial.read(file) for file in find_records(records, results)]
    else:
        trials = stored_trials(results, options.name_fault)
    made, faults = [], []
    for stored in trials:
        try:
            made.append(measure_again(stored, context))
        except StorageError as error:  # so could no other be written
            faults.append(str(error))
            break
        except UsageError as error:
            faults.append(str(error))
            continue
        if not as_json:
            click.echo(f"{stored.trial}: {_rates(made[-1])}")
    if as_json:
        click.echo(json.dumps(made, indent=1))
    if made:
        write_reports(results)
    for fault in faults:
        click.echo(f"hashbench: {fault}", err=True)
    return 0 if not faults else 1 if made else 2


def _rates(throughput: dict[str, Any]) -> str:
    from hashbench.reporting.plain_text import rate_text

    words = [f"encodes {rate_text(throughput['encode']['images_per_s']['median'])} images/s"]
    for k, rates in list(throughput["search"].items())[-1:]:
        words.append(f"searches {rate_text(rates['queries_per_s']['median'])} queries/s for their {k} nearest items")
    return ", ".join(words)
