"""Versions of the libraries that make codes, which have to be the same on all machines of a run."""

import importlib.metadata
from collections.abc import Mapping

from hashbench.errors import UsageError
from hashbench.version import __version__

NONE = "none"


def versions_here() -> dict[str, str]:
    """The versions on this machine; torch is not imported."""
    return {"hashbench": __version__, "torch": importlib.metadata.version("torch")}


def difference(wanted: Mapping[str, str], found: Mapping[str, str]) -> str | None:
    """What of ``found`` is not as wanted, in words; None where all is."""
    if wanted == found:
        return None
    there, here = (
        " and ".join(f"{name} {versions.get(name, NONE)}" for name in wanted) for versions in (found, wanted)
    )
    return f"has {there}, this machine has {here}"


def check_versions(wanted: Mapping[str, str], by_node: Mapping[str, Mapping[str, str]]) -> None:
    """Check that all nodes have the same versions.

    Args:
        wanted: the versions here.
        by_node: those of each node.

    Raises:
        UsageError: a node has others; the line names it and both.
    """
    for node, found in by_node.items():
        if apart := difference(wanted, found):
            same = " ".join(f"{name}=={version}" for name, version in wanted.items())
            raise UsageError(f"{node} {apart}; install the same on all nodes (pip install {same}), or stop that node")
