"""Checks what a schema cannot say of a record: the parts of its curves and of its training that belong together."""

from typing import Any

from hashbench.errors import UsageError


def check_consistency(record: dict[str, Any], name: str, way_out: str) -> None:
    """Check that the arrays of each curve have one length, and that each epoch of the training has its number.

    Args:
        record: as its schema describes it.
        name: what a message calls it.
        way_out: advice at the end of a message.

    Raises:
        UsageError: they do not; the line names the part and what it holds.
    """
    for kind, curve in (record["curves"] or {}).items():
        arrays = {key: values for key, values in (curve or {}).items() if isinstance(values, list)}
        if len({len(values) for values in arrays.values()}) > 1:
            lengths = ", ".join(f"{len(values):,} of {key}" for key, values in arrays.items())
            raise UsageError(f"{name}: curves.{kind} has {lengths}, wanted as many of each; {way_out}")
    for number, epoch in enumerate((record["training"] or {}).get("epochs", ())):
        if epoch.get("epoch") is None:
            raise UsageError(f"{name}: training.epochs[{number}] lacks epoch, wanted its number; {way_out}")
