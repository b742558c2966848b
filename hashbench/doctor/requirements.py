"""Versions of Python and of what hashbench needs, by their metadata: nothing of it is imported."""

import importlib.metadata
import os
import platform
import re
from collections.abc import Iterator
from importlib.util import find_spec

from hashbench.doctor.finding import Finding
from hashbench.version import __version__

_NEEDED = re.compile(r"(?P<name>[\w.-]+)\s*>=\s*(?P<least>[\d.]+)$")
_EXTRAS = {  # modules that some runs need, and how to get them
    "timm": "pip install 'hashbench[photo]' brings photo features with their weights",
    "h5py": "pip install 'hashbench[vectors]' reads .hdf5",
    "pyarrow": "pip install 'hashbench[vectors]' reads .parquet",
    "onnx": "pip install 'hashbench[export]' exports encoders as ONNX",
    "triton": "torch brings it where there is a GPU that it serves",
}


def requirements() -> Iterator[Finding]:
    """A line on Python and hashbench, and one on each distribution that is missing or too old."""
    yield Finding("hashbench", "fine", f"{__version__} on Python {platform.python_version()}, {platform.platform()}")
    found = []
    for line in importlib.metadata.requires("hashbench") or ():
        if (needed := _NEEDED.match(line)) is None:  # of an extra
            continue
        name, least = needed["name"], needed["least"]
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, "fault", f"is not installed, wanted {least} or newer", f"pip install '{name}>={least}'")
            continue
        if _parts(version) < _parts(least):
            yield Finding(name, "fault", f"is {version}, wanted {least} or newer", f"pip install -U '{name}>={least}'")
        found.append(f"{name} {version}")
    yield Finding("libraries", "fine", ", ".join(found))


def extras() -> Iterator[Finding]:
    """A line on what of the extras is there, and one on what is not."""
    there = [name for name in _EXTRAS if find_spec(name) is not None]
    yield Finding("extras", "fine", ", ".join(there) or "none")
    for name, way_out in _EXTRAS.items():
        if name not in there:
            yield Finding(name, "note", "is not installed", way_out)
    if find_spec("ray") is not None:
        yield Finding("ray", "fine", f"{importlib.metadata.version('ray')}, {_cluster()}")


def _cluster() -> str:
    address = os.environ.get("RAY_ADDRESS")
    return f"cluster at {address} (RAY_ADDRESS)" if address else "no cluster named; --address or RAY_ADDRESS names one"


def _parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version.partition("+")[0])[:3]))
