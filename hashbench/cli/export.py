"""The verb ``export``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hashbench.cli import options
from hashbench.util.collection import without_collection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from hashbench.replay.fitted import FittedMethod

EXAMPLE = """\b
Examples:
  hashbench export 3fa9c1 -o encoder
  hashbench export 3fa9c1 -o encoder --check vectors.npy --without-onnx
"""


@click.command("export", epilog=EXAMPLE)
@click.argument("record", metavar="RECORD")
@click.option("-o", "--output", required=True, metavar="DIR", help="The folder that the files go to.")
@click.option(
    "--check", "source", metavar="INPUT", help="Items to compare bits on.  [default: 1,000 of the record's data set]"
)
@click.option("--without-onnx", is_flag=True, help="Only the numbers and their reader in numpy.")
@options.results
@options.data
@options.dataset
@options.weights
@options.offline
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
@without_collection()
def command(record: str, output: str, source: str | None, without_onnx: bool, as_json: bool, **given: Any) -> int:
    """Write the fitted method of a record for programs that have no hashbench.

    RECORD is a record's file or the beginning of its key. A method that gives a linear projection (`linear` of
    `hashbench show NAME`) becomes encoder.safetensors (mean, projection, threshold, in float64) with encoder.py, a few
    lines of numpy that read it, and encoder.onnx; any other that gives a projection becomes encoder.onnx alone, which
    reads vectors, or images at the network's size. README.md and card.json say what it reads, how its codes are laid
    out, and what it scored; the bits of each file were compared with the method's on 1,000 items: all are equal, of an
    encoder that is not linear one in 10,000 may differ. ONNX needs the extra export.
    """
    from hashbench.cli.fitted import open_fitted
    from hashbench.export.bundle import export
    from hashbench.util.paths import shown

    fitted, changes = open_fitted(record, {**given, "device": "cpu"})
    done = export(fitted, _items(fitted, source, given), Path(output), changes, with_onnx=not without_onnx)
    if as_json:
        checks = [vars(check) for check in done.checks]
        click.echo(json.dumps({"folder": str(done.folder), "files": done.files, "checks": checks}, indent=1))
        return 0
    for check in done.checks:
        click.echo(str(check))
    click.echo(f"{shown(done.folder)}: {', '.join(done.files)}")
    return 0


def _items(fitted: "FittedMethod", source: str | None, given: dict[str, Any]) -> "Iterator[Tensor]":
    from hashbench.errors import UsageError
    from hashbench.execution.stored_dataset import described_by_file, open_recorded_dataset
    from hashbench.export.bundle import dataset_items
    from hashbench.replay.new_items import read_items
    from hashbench.util.paths import data_folder
    from hashbench.util.progress import log_to_stderr

    if source is not None:
        return fitted.batches(read_items(Path(source), log_to_stderr))
    stored = fitted.stored
    if given["dataset"] is None and described_by_file(stored):
        raise UsageError(
            f"record {stored.record['key']} is of {stored.trial.protocol}, which a file of yours describes; name items "
            "to compare bits on with --check INPUT"
        )
    try:
        dataset = open_recorded_dataset(stored, data_folder(given["data"]), given["dataset"])
    except UsageError as error:
        raise UsageError(f"{error}; or name items to check on with --check") from error
    return dataset_items(fitted, dataset)
