"""The verb ``gallery``."""

import json
from pathlib import Path
from typing import Any

import click

from hashbench.cli import options

EXAMPLE = """\b
Examples:
  hashbench gallery
  hashbench gallery 3fa9c1 --queries 20 --neighbours 5
  hashbench gallery results/records/cifar10-bgan-itq-32-0-b988bcf603929ae8.json --out pictures
"""


@click.command("gallery", epilog=EXAMPLE)
@click.argument("records", metavar="[RECORD]...", nargs=-1)
@options.results
@options.data
@options.dataset
@click.option("--queries", default=10, show_default=True, metavar="N", help="Queries to show.")
@click.option("--neighbours", default=10, show_default=True, metavar="N", help="Nearest items shown for each query.")
@options.device
@click.option("--out", metavar="DIR", help="Where the pictures go.  [default: DIR/gallery of the results]")
@click.option("--json", "as_json", is_flag=True, help="Print the records' keys and files as JSON.")
def command(records: tuple[str, ...], as_json: bool, **given: Any) -> int:
    """Show queries with their nearest items, and originals beside reconstructions, as PNG files.

    RECORD is a record's file or the beginning of its key. Without RECORD, the record with the highest mAP@1000 of
    each method, code length and protocol is shown. Relevant items have a green frame and a tick, the others an orange
    frame and a cross. Reconstructions need a method that restores pictures from codes, and its saved state; weights of
    pre-trained networks are not needed. Exits with 1 if something could not be made, with 2 if nothing could, with 3 if
    there is no record to show.
    """
    from hashbench.errors import StorageError, UsageError
    from hashbench.gallery.make import GalleryRequest, NothingToShow, make_gallery
    from hashbench.util.device import pick_device
    from hashbench.util.paths import data_folder

    results = Path(given["results"])
    out = Path(given["out"]) if given["out"] else results / "gallery"
    device, data = pick_device(given["device"]), data_folder(given["data"])
    request = GalleryRequest(data, out, device, given["queries"], given["neighbours"], given["dataset"])
    try:
        chosen = _chosen(records, results)
    except NothingToShow as error:
        click.echo(f"hashbench: {error}", err=True)
        return 3
    made, faults = [], []
    for stored in chosen:
        try:
            done = make_gallery(stored, request)
        except StorageError as error:  # so could no other be written
            faults.append(str(error))
            break
        except UsageError as error:
            faults.append(str(error))
            continue
        faults += [f"{stored.file.stem}: {done.fault}"] if done.fault else []
        made.append({"key": stored.record["key"], "files": [str(file) for file in done.files], "notes": done.notes})
        if not as_json:
            click.echo("\n".join(made[-1]["files"]))
            for note in done.notes:
                click.echo(f"{stored.file.stem}: {note}", err=True)
    if as_json:
        click.echo(json.dumps(made, indent=1))
    for fault in faults:
        click.echo(f"hashbench: {fault}", err=True)
    return 0 if not faults else 1 if made else 2


def _chosen(names: tuple[str, ...], results: Path) -> list[Any]:
    """The records called ``names``, or one of each kind."""
    from hashbench.execution.stored_trial import StoredTrial
    from hashbench.gallery.make import default_records
    from hashbench.records.lookup import find_records

    if not names:
        shown, left_out = default_records(results, options.name_fault)
        if left_out:
            click.echo(f"{left_out} other records (repetitions, variants) are not shown; name them by key", err=True)
        return shown
    return [StoredTrial.read(file) for file in find_records(names, results)]
