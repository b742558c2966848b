"""The folders that hold the modules of ``hashbench.methods`` and ``hashbench.datasets``."""

import os
from pathlib import Path

PLUGINS_VARIABLE = "HASHBENCH_PLUGINS"
ROOMS = ("methods", "datasets")


def plugin_folders(package_file: str, room: str) -> list[str]:
    """The folders of a plugin package, for its ``__path__``.

    A wheel ships the modules beside the package file; a checkout (bare or editable) keeps them in its top-level
    folder ``room``. Each root on ``HASHBENCH_PLUGINS`` (separated like ``PATH``) adds its own ``room``.
    """
    package = Path(package_file).resolve().parent
    shipped = any(file.name != "__init__.py" for file in package.glob("*.py"))
    own = package if shipped else package.parent.parent / room
    roots = [Path(root) for root in os.environ.get(PLUGINS_VARIABLE, "").split(os.pathsep) if root]
    return [str(folder) for folder in (own, *(root.resolve() / room for root in roots)) if folder.is_dir()]


def is_shipped(file: Path) -> bool:
    """Whether a source file is hashbench's own: of its package, or of the plugins beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    return any(file.resolve().is_relative_to(folder) for folder in (package, *(package.parent / r for r in ROOMS)))
