"""Figures in words."""

from hashbench.advice.result import Interval, Latency
from hashbench.reporting.plain_text import NONE
from hashbench.util.progress import duration


def interval(found: Interval | None) -> str:
    """A recall with its interval."""
    return NONE if found is None else f"{found.value:.3f}, {found.low:.3f} to {found.high:.3f}"


def milliseconds(found: Latency) -> str:
    """Median and range."""
    return f"{three(found.p50)} ms ({three(found.p5)} to {three(found.p95)})"


def three(value: float) -> str:
    """Milliseconds, with two decimals where they say something."""
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def seconds(value: float) -> str:
    """A duration, two figures where it is short."""
    return f"{value:.2g} s" if value < 10 else duration(value)


def percent(share: float) -> str:
    """A share in per cent."""
    return f"{100 * share:g} %"
