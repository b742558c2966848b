"""Build hook: ships the top-level methods/ and datasets/ inside the wheel's package.

In an editable install the package finds the checkout's folders itself (hashbench/plugins/plugin_path.py).
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PluginFolders(BuildHookInterface):  # type: ignore[type-arg]
    """Force-includes methods/*.py and datasets/*.py as hashbench.methods and hashbench.datasets."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before a wheel is built; ``version`` is "editable" for ``pip install -e``."""
        if version == "editable":
            return
        for room in ("methods", "datasets"):
            for file in sorted(Path(self.root, room).glob("*.py")):
                build_data["force_include"][str(file)] = f"hashbench/{room}/{file.name}"
