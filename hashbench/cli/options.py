"""Options that several verbs share, and their values as objects."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from hashbench.replay.context import ReplayContext

results = click.option("--results", default="results", show_default=True, metavar="DIR", help="Folder of the records.")
LONGEST = 2000  # characters of a line
data = click.option("--data", metavar="DIR", help="Folder of the data sets.  [default: HASHBENCH_DATA, else data]")
dataset = click.option("--dataset", metavar="NAME:FILE", help="The record's data set, where a file describes it.")
weights = click.option("--weights", multiple=True, metavar="NAME=FILE", help="State dict of the features' network.")
offline = click.option("--offline", is_flag=True, help="Download nothing.")
device = click.option(
    "--device", default="auto", show_default=True, metavar="NAME", help="auto, cpu, cuda, cuda:1, ..."
)


metric = click.option(
    "--metric", metavar="ID", help="What to show and rank by.  [default: map@1000, or neighbours/recall@10]"
)
bits = click.option("--bits", metavar="LIST", help="Only these code lengths, as 16,32.  [default: all]")


def replay(command: Callable[..., Any]) -> Callable[..., Any]:
    """All options of this file, for verbs that work on stored trials again."""
    for option in (device, offline, weights, dataset, data, results):  # click shows the last one first
        command = option(command)
    return command


def name_fault(line: str) -> None:
    """Print a line about what could not be read to standard error."""
    from hashbench.reporting.plain_text import plain

    click.echo(f"hashbench: {plain(line, LONGEST)}", err=True)


def replay_context(given: Mapping[str, Any]) -> "ReplayContext":
    """Folders, device and weights as the options of :func:`replay` name them."""
    from hashbench.features.weights import Weights, parse_weights
    from hashbench.replay.context import ReplayContext
    from hashbench.util.device import pick_device
    from hashbench.util.paths import data_folder
    from hashbench.util.progress import log_to_stderr

    files = Weights(parse_weights(given["weights"]), given["offline"], log_to_stderr)
    folders = Path(given["results"]), data_folder(given["data"])
    return ReplayContext(*folders, pick_device(given["device"]), files, given["dataset"])
