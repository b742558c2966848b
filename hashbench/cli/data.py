"""The verbs ``data prepare`` and ``data list``."""

import os
from pathlib import Path

import click


@click.group("data")
def command() -> None:
    """Prepare data sets on disk."""


EXAMPLE = """\b
Examples:
  hashbench data prepare cifar10
  hashbench data prepare cifar10 --from ~/downloads --data data
"""


@command.command("prepare", epilog=EXAMPLE)
@click.argument("name")
@click.option("--from", "source", metavar="PATH", help="Adopt this folder or archive instead of downloading.")
@click.option("--data", metavar="DIR", help="Folder of the data sets.  [default: HASHBENCH_DATA, else data]")
def prepare(name: str, source: str | None, data: str | None) -> int:
    """Download a data set, or adopt it from a folder; sums are checked, what is complete is left alone."""
    from hashbench.errors import UsageError
    from hashbench.registry import DATASETS
    from hashbench.runner import DATA_VARIABLE

    folder = Path(source).expanduser() if source else None
    if folder is not None and not folder.exists():
        raise UsageError(f"--from names {source!r}, which is not there; name the folder or archive of the files")
    root = Path(data or os.environ.get(DATA_VARIABLE) or "data").expanduser().absolute()
    if root.exists() and not root.is_dir():
        raise UsageError(f"data folder {str(root)!r} is a file, wanted a folder")
    DATASETS.get(name)(root).prepare(folder, click.echo)
    return 0


@command.command("list")
@click.option("--data", metavar="DIR", help="Folder of the data sets.  [default: HASHBENCH_DATA, else data]")
def list_(data: str | None) -> int:
    """List the data sets and say which are ready on disk."""
    from hashbench.errors import UsageError
    from hashbench.registry import DATASETS
    from hashbench.runner import data_folder

    root = data_folder(data)
    for name in DATASETS.names():
        try:
            dataset = DATASETS.get(name)(root)
            dataset.require()
            dataset.content()  # checks sums: a damaged set is not ready
            click.echo(f"{name}: ready")
        except UsageError as error:
            click.echo(f"{name}: {error}")
    return 0
