"""The verb ``query``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hashbench.cli import options
from hashbench.util.collection import without_collection

if TYPE_CHECKING:
    from hashbench.dataset import Dataset
    from hashbench.replay.query import Found

EXAMPLE = """\b
Examples:
  hashbench query 3fa9c1 photos/cat.jpg
  hashbench query 3fa9c1 vectors.npy --neighbours 100 --json
"""
MILLISECONDS = 1000
NEARNESS = {None: "distance", "asymmetric": "score", "estimator": "estimated_distance"}  # by the record's ranking


@click.command("query", epilog=EXAMPLE)
@click.argument("record", metavar="RECORD")
@click.argument("source", metavar="INPUT")
@click.option("--neighbours", default=10, show_default=True, metavar="N", help="Nearest items shown for each query.")
@options.replay
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@without_collection()
def command(record: str, source: str, neighbours: int, as_json: bool, **given: Any) -> int:
    """Find the items of a record's database that are nearest to new ones.

    RECORD is a record's file or the beginning of its key, INPUT an image, a folder of images, or a file of vectors, as
    `hashbench encode` takes them. Shows the nearest items, nearest first, and the times of encoding and of searching;
    the names of items and labels come from the data set, where it is on disk. Of an item there is the Hamming distance;
    of an asymmetric ranking the score, the product of the query's projection with the code in -1 and +1 (more is
    nearer); of an estimator the distance that it estimates.
    """
    from hashbench.cli.fitted import open_fitted
    from hashbench.replay.new_items import file_names, read_items
    from hashbench.replay.query import find_nearest
    from hashbench.util.progress import log_to_stderr

    items = read_items(Path(source), log_to_stderr)
    fitted, _ = open_fitted(record, given)
    found = find_nearest(fitted, items, neighbours, log_to_stderr)
    names = file_names(items, Path(source)) if isinstance(items, list) else [f"row {row}" for row in range(len(items))]
    nearness = NEARNESS[fitted.stored.trial.ranking]
    rows = _rows(found, nearness, _dataset(fitted.stored, given))
    seconds = {"encode": found.encode_seconds, "search": found.search_seconds}
    if as_json:
        queries = [{"query": name, "nearest": nearest} for name, nearest in zip(names, rows, strict=True)]
        click.echo(json.dumps({"queries": queries, "database": found.database, "seconds": seconds}, indent=1))
        return 0
    for name, nearest in zip(names, rows, strict=True):
        click.echo(_table(name, nearest, nearness, labelled=found.labels.shape[2] > 0))
    each = {
        stage: f"{_milliseconds(value)} ms ({_milliseconds(value / len(rows))} each)"
        for stage, value in seconds.items()
    }
    click.echo(
        f"{len(rows):,} {'query' if len(rows) == 1 else 'queries'}: encoded in {each['encode']}, searched among "
        f"{found.database:,} codes of {fitted.method.bits} bits in {each['search']}"
    )
    return 0


def _dataset(stored: Any, given: dict[str, Any]) -> "Dataset | None":
    """The record's data set; None, and a line that says why, where it is not here."""
    from hashbench.errors import UsageError
    from hashbench.execution.stored_dataset import open_recorded_dataset
    from hashbench.util.paths import data_folder

    try:
        return open_recorded_dataset(stored, data_folder(given["data"]), given["dataset"])
    except UsageError as error:
        options.name_fault(f"note: items have no names: {error}")
        return None


def _rows(found: "Found", nearness: str, dataset: "Dataset | None") -> list[list[dict[str, Any]]]:
    classes = None if dataset is None else dataset.classes()
    values = 0 - found.distances if nearness == "score" else found.distances
    return [
        [
            {
                "item": int(item),
                "name": None if dataset is None else dataset.names(items[rank : rank + 1])[0],
                nearness: near[rank].item(),
                "labels": [classes[label] if classes else int(label) for label in labels[rank].nonzero()[0]],
            }
            for rank, item in enumerate(items)
        ]
        for items, near, labels in zip(found.items, values, found.labels, strict=True)
    ]


def _table(name: str, nearest: list[dict[str, Any]], nearness: str, labelled: bool) -> str:
    from hashbench.reporting.plain_text import aligned, plain

    head = ("rank", nearness.replace("_", " "), "item", "labels")
    cells = [
        (
            str(rank),
            f"{one[nearness]:.6g}",
            plain(one["name"] or f"item {one['item']}"),
            plain(", ".join(map(str, one["labels"]))),
        )
        for rank, one in enumerate(nearest, 1)
    ]
    columns = len(head) if labelled else len(head) - 1
    return "\n".join([plain(name), *aligned([row[:columns] for row in (head, *cells)], "rrll"[:columns]), ""])


def _milliseconds(seconds: float) -> str:
    return f"{seconds * MILLISECONDS:.3g}"
