"""The folders that hold the modules of ``hashbench.methods`` and ``hashbench.datasets``."""

import os
from pathlib import Path

from hashbench.errors import UsageError

PLUGINS_VARIABLE = "HASHBENCH_PLUGINS"
ROOMS = ("methods", "datasets")


def plugin_folders(package_file: str, room: str) -> list[str]:
    """The folders of a plugin package, for its ``__path__``.

    A wheel ships the modules beside the package file; a checkout (bare or editable) keeps them in its top-level
    folder ``room``. Each root on ``HASHBENCH_PLUGINS`` (separated like ``PATH``) adds its own ``room``; one that is
    named twice, by a link, or is the checkout itself, adds nothing more.
    """
    package = Path(package_file).resolve().parent
    shipped = any(file.name != "__init__.py" for file in package.glob("*.py"))
    own = package if shipped else package.parent.parent / room
    found: dict[Path, str] = {}
    for folder in (own, *(root.resolve() / room for root in _roots())):
        if folder.is_dir():
            found.setdefault(folder.resolve(), str(folder))
    return list(found.values())


def check_roots() -> None:
    """Check that each root on ``HASHBENCH_PLUGINS`` is a folder with plugins.

    Raises:
        UsageError: one is not there, is a file, or has neither ``methods`` nor ``datasets`` inside.
    """
    for root in _roots():
        if any((root / room).is_dir() for room in ROOMS):
            continue
        named = f"{PLUGINS_VARIABLE} names {str(root)!r}"
        if not root.exists():
            raise UsageError(f"{named}, which is not there; make it, name the right folder, or unset the variable")
        if not root.is_dir():
            folder = root.parent.parent if root.parent.name in ROOMS else "the folder that has methods/ or datasets/"
            raise UsageError(f"{named}, which is a file; name {_shown(folder)}, whose methods/*.py are plugins")
        if root.resolve().name in ROOMS:
            raise UsageError(f"{named}, which is itself the folder of plugins; name {_shown(root.parent)}, around it")
        raise UsageError(f"{named}, which has neither {ROOMS[0]}/ nor {ROOMS[1]}/ inside; put plugins there, as *.py")


def _roots() -> list[Path]:
    return [Path(root) for root in os.environ.get(PLUGINS_VARIABLE, "").split(os.pathsep) if root]


def _shown(folder: Path | str) -> str:
    return repr(str(folder)) if isinstance(folder, Path) else folder


def is_shipped(file: Path) -> bool:
    """Whether a source file is hashbench's own: of its package, or of the plugins beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    return any(file.resolve().is_relative_to(folder) for folder in (package, *(package.parent / r for r in ROOMS)))


def is_clone(root: Path) -> bool:
    """Whether a folder is a clone of hashbench, whose plugins a wheel made of it ships as well."""
    return (root / "hashbench/plugins" / Path(__file__).name).is_file()
