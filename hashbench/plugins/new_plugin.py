"""Writes the first version of a plugin and of its test."""

import importlib
import keyword
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from hashbench.errors import UsageError
from hashbench.plugins.registry import DATASETS, METHODS, Registry
from hashbench.util.files import replacing

TEMPLATES = Path(__file__).parent / "templates"
CONTRACTS = "contract.toml"  # beside the tests of hashbench's own methods; each needs a table there
CONTRACT = '\n[$name]\nproperty = "test_$name.py::test_the_unit_of_a_feature_does_not_matter"\nsmoke = {}\n'
IMPORTED = {  # by the templates: names that a class of theirs cannot have
    *("HashMethod", "RunContext", "Self", "Tensor", "TrainingSet", "Traits"),
    *("Protocol", "SingleLabelDataset", "Split"),
}
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Kind:
    """A kind of plugin that can be written.

    Attributes:
        registry: where its names are.
        room: its folder, in a plugin root and in the tests.
        template: name of its templates.
    """

    registry: Registry[Any]
    room: str
    template: str


KINDS = {"method": Kind(METHODS, "methods", "method"), "dataset": Kind(DATASETS, "datasets", "dataset")}


def write_plugin(kind: str, name: str, folder: Path) -> list[Path]:
    """Write a plugin that works, and a test of it that passes.

    Args:
        kind: "method" or "dataset".
        name: of the plugin, and of its file.
        folder: the plugin root; the files are ``methods/NAME.py`` and ``tests/methods/test_NAME.py`` inside. Where
            ``tests/methods/contract.toml`` is there, as in hashbench's own checkout, the method gets its table in it.

    Returns:
        The files that were written.

    Raises:
        UsageError: a bad name, one that is taken, or a file that is there already; nothing was written.
    """
    chosen, class_name = KINDS[kind], _class_name(kind, name)
    if not folder.is_dir():
        raise UsageError(f"--into is {str(folder)!r}, which is no folder; make it, or name another")
    file, test = folder / chosen.room / f"{name}.py", folder / "tests" / chosen.room / f"test_{name}.py"
    for one in (file, test):
        if one.exists():
            raise UsageError(f"{one} is there already; choose another name than {name!r}, or take the file away")
        if one.parent.exists() and not one.parent.is_dir():
            raise UsageError(f"{one.parent} is a file, wanted the folder of {one.name}; name another --into DIR")
    with _made(file.parent):  # before names are asked for: a folder on HASHBENCH_PLUGINS has to have one
        _check_free(kind, name)
    test.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as plugin, replacing(test) as plugin_test:
        plugin.write_text(_filled(chosen.template, name, class_name), encoding="utf-8")
        plugin_test.write_text(_filled(f"{chosen.template}_test", name, class_name), encoding="utf-8")
    return [file, test, *_add_contract(test.parent / CONTRACTS, name)]


def is_root(folder: Path) -> bool:
    """Whether plugins in ``folder`` are found without further ado."""
    paths = [path for kind in KINDS.values() for path in importlib.import_module(kind.registry.package).__path__]
    return any(Path(path).resolve().parent == folder.resolve() for path in paths)


def _filled(template: str, name: str, class_name: str) -> str:
    text = (TEMPLATES / f"{template}.py.txt").read_text(encoding="utf-8")
    return Template(text).substitute(name=name, class_name=class_name)


def _class_name(kind: str, name: str) -> str:
    """The name of the plugin's class: "my_method" gives "MyMethod".

    Raises:
        UsageError: it is no name for a plugin.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise UsageError(
            f"{name!r} is no name for a {KINDS[kind].registry.kind}: wanted a name of a Python file, of lower-case "
            f"letters, digits and '_', that begins with a letter, say my_{kind}"
        )
    written = "".join(part.capitalize() for part in name.split("_"))
    return f"{written}{kind.capitalize()}" if written in IMPORTED or keyword.iskeyword(written) else written


def _check_free(kind: str, name: str) -> None:
    wanted = KINDS[kind].registry.kind
    for known in (each.registry for each in KINDS.values()):
        if name in known.names():
            taken = f"the name {name!r} is taken by a {known.kind}{_place(known, name)}"
            raise UsageError(f"{taken}; choose another for the {wanted}")


def _place(registry: Registry[Any], name: str) -> str:
    try:
        return f" ({registry.file(name)})"
    except UsageError:  # broken, or there more than once
        return ""


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """With the folder made, which is taken away where the block fails."""
    new = not folder.exists()
    folder.mkdir(exist_ok=True)
    try:
        yield
    except BaseException:
        if new:
            folder.rmdir()
        raise


def _add_contract(tables: Path, name: str) -> list[Path]:
    """Add the method's table to hashbench's own list; where there is one, the file."""
    if not tables.is_file():
        return []
    with tables.open("a", encoding="utf-8") as file:
        file.write(Template(CONTRACT).substitute(name=name))
    return [tables]
