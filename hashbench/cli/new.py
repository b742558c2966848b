"""The verb ``new``."""

import shlex
from pathlib import Path

import click

into = click.option(
    "--into", default=".", show_default=True, metavar="DIR", help="The plugin root: the folder around methods/."
)


@click.group("new")
def command() -> None:
    """Write a method or a data set that works, and a test of it that passes, to start from."""


@command.command("method", epilog="\b\nExample:\n  hashbench new method my_method")
@click.argument("name")
@into
def method(name: str, into: str) -> int:
    """Write methods/NAME.py and tests/methods/test_NAME.py."""
    return _write("method", name, into, f"hashbench run --methods {name} --bits 16,32")


@command.command("dataset", epilog="\b\nExample:\n  hashbench new dataset birds")
@click.argument("name")
@into
def dataset(name: str, into: str) -> int:
    """Write datasets/NAME.py and tests/datasets/test_NAME.py."""
    return _write("dataset", name, into, f"hashbench run --methods lsh --bits 16,32 --datasets {name}")


def _write(kind: str, name: str, into: str, run: str) -> int:
    from hashbench.plugins.new_plugin import is_root, write_plugin
    from hashbench.plugins.plugin_path import PLUGINS_VARIABLE, is_clone
    from hashbench.util.paths import shown

    folder = Path(into)
    known = is_root(folder)
    files = write_plugin(kind, name, folder)
    for file in files:
        click.echo(f"wrote {shown(file)}")
    click.echo("next:")
    if not known and is_clone(folder):  # whose own plugins are installed already: on the path each would be there twice
        click.echo(f"  pip install -e {shlex.quote(into)}")
    elif not known:
        click.echo(f"  export {PLUGINS_VARIABLE}={shlex.quote(str(folder.resolve()))}")
    click.echo(f"  pytest {shlex.quote(str(shown(files[1])))}")
    click.echo(f"  {run}")
    return 0
