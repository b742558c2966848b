"""Numbers from records, made short enough for a page."""

import math


def rounded(value: float | None, digits: int = 6) -> float | None:
    """The value with ``digits`` decimals, above 1 with as many significant figures; None if missing or not finite."""
    if value is None or not math.isfinite(value):
        return None
    short = float(f"{value:.{digits}g}") if abs(value) > 1 else round(value, digits)
    return int(short) if short == int(short) else short
