"""The JSON Schemas of the files that other programs rely on; they ship in the package."""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

FORMAT = 2
STATUSES = ("ok", "failed", "timeout", "oom", "killed", "skipped")


def schema(name: str) -> dict[str, Any]:
    """The schema called "record" or "throughput"."""
    found: dict[str, Any] = json.loads(files("hashbench.records").joinpath(f"{name}.schema.json").read_text())
    return found


@cache
def required(name: str) -> tuple[tuple[str, ...], ...]:
    """Paths of names that every file of that schema has: ("trial",), ("trial", "bits"), ..."""
    return tuple(_required(schema(name)))


def _required(part: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Metrics are not gone into: records of other versions have others."""
    for name in part.get("required", ()) if "properties" in part else ():
        yield (*path, name)
        yield from _required(part["properties"].get(name, {}), (*path, name))
