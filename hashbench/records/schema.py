"""The JSON Schemas of the files that other programs rely on; they ship in the package."""

import json
from importlib.resources import files
from typing import Any

FORMAT = 2


def schema(name: str) -> dict[str, Any]:
    """The schema called "record" or "throughput"."""
    content: dict[str, Any] = json.loads(files("hashbench.records").joinpath(f"{name}.schema.json").read_text())
    return content
