"""Labels of rows: the method, its named variant, its preset and what was changed of it."""

from collections.abc import Mapping
from typing import Any

VARIANT = "variant"  # the parameter that names a method's variant


def row_label(
    method: str, named: str | None, preset: str | None, changed: Mapping[str, Any], ranking: str | None = None
) -> str:
    """The label of a row: "itq", "bgan (tuned)", "bgan (tuned) [quick; epochs=4]", "itq (asymmetric)".

    Args:
        method: its name.
        named: its variant, as its record names it.
        preset: that was applied.
        changed: parameters that differ from the defaults; the one that names the variant is not said twice.
        ranking: of its codes, where it is not by Hamming distance.
    """
    changes = ", ".join(f"{name}={value}" for name, value in changed.items() if (name, value) != (VARIANT, named))
    notes = "; ".join(filter(None, (preset, changes)))
    words = "".join(f" ({word})" for word in (named, ranking) if word)
    return method + words + (f" [{notes}]" if notes else "")
