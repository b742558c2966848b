"""Reads records of format 3, whose labels did not name a method's variant."""

from typing import Any

FORMAT = 3
BEFORE = "before format 4"


def upgraded(content: dict[str, Any]) -> dict[str, Any]:
    """A record, or throughput, of format 3 as one of format 4; ``content`` stays as it is.

    A method with variants could have others by the same names then, so its row is named after the format.
    """
    upgraded = {**content, "format": FORMAT + 1}
    trial = content.get("trial")
    if isinstance(trial, dict):
        parameters = trial.get("parameters")
        upgraded["named_variant"] = BEFORE if isinstance(parameters, dict) and "variant" in parameters else None
        upgraded["remark"] = None
    return upgraded
