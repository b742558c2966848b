"""Checks what a schema does not say of a record: its key can be part of a file's name, its curves fit together."""

from typing import Any

from hashbench.errors import UsageError

LONGEST_KEY = 64


def check_consistency(record: dict[str, Any], name: str, way_out: str) -> None:
    """Check the length of the key, and that the arrays of each curve have one length.

    Args:
        record: as its schema describes it.
        name: what a message calls it.
        way_out: advice at the end of a message.

    Raises:
        UsageError: the key is too long or the arrays differ; the line names the part and the lengths.
    """
    if len(record["key"]) > LONGEST_KEY:
        raise UsageError(f"{name}: key has {len(record['key']):,} characters, wanted at most {LONGEST_KEY}; {way_out}")
    for kind, curve in (record["curves"] or {}).items():
        arrays = {key: values for key, values in (curve or {}).items() if isinstance(values, list)}
        if len({len(values) for values in arrays.values()}) > 1:
            lengths = ", ".join(f"{len(values):,} of {key}" for key, values in arrays.items())
            raise UsageError(f"{name}: curves.{kind} has {lengths}, wanted as many of each; {way_out}")
