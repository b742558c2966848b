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
    from hashbench.execution.remeasure import measure_again, stored_trials
    from hashbench.execution.stored_trial import StoredTrial
    from hashbench.records.lookup import find_records
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
    from hashbench.reporting.leaderboard.cell_text import SHOWN_PERCENT
    from hashbench.reporting.plain_text import rate_text

    nouns = {"images_per_s": "images", "features_per_s": "vectors"}
    rates = {noun: throughput["encode"][kind] for kind, noun in nouns.items()}
    words = [f"encodes {rate_text(rate['median'])} {noun}/s" for noun, rate in rates.items() if rate][:1]
    for k, search in list(throughput["search"].items())[-1:]:
        words.append(f"searches {rate_text(search['queries_per_s']['median'])} queries/s for their {k} nearest items")
    shortlists = throughput.get("rescoring", {}).get("shortlists", {})
    for m, stages in shortlists.items():
        if stages["recall"] >= SHOWN_PERCENT / 100 or m == list(shortlists)[-1]:
            times = f"{stages['scan_ms']['p50']:.2g} + {stages['rescoring_ms']['p50']:.2g} ms"
            words.append(f"scans and rescores for a query in {times} (m {m}, recall {stages['recall']:.3f})")
            break
    return ", ".join(words)
