"""The JSON Schemas of the files that other programs rely on; they ship in the package."""

import json
from importlib.resources import files
from typing import Any

FORMAT = 2
STATUSES = ("ok", "failed", "timeout", "oom", "killed", "skipped")


def schema(name: str) -> dict[str, Any]:
    """The schema called "record" or "throughput"."""
    found: dict[str, Any] = json.loads(files("hashbench.records").joinpath(f"{name}.schema.json").read_text())
    return found
