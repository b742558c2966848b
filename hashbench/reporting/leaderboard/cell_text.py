"""Cells as text, the same in every format."""

from hashbench.reporting.leaderboard.table import HEADLINE, Cell

STALE_MARK = "†"
LIKE_BEST = "≈"
NONE = "–"


def value(cell: Cell, metric: str) -> str:
    """A cell as text: mean, with standard deviation where there are several repetitions; – where there is none.

    The headline bears a mark where it cannot be told apart from its column's best.
    """
    mean, deviation = cell.mean(metric), cell.deviation(metric)
    if mean is None:
        return cell.troubled[0]["status"] if cell.troubled else NONE
    spread = f" ± {deviation:.3f}" if deviation is not None else ""
    alike = f"{LIKE_BEST} " if metric == HEADLINE and cell.like_best else ""
    return f"{alike}{mean:z.3f}{spread}{STALE_MARK if cell.stale else ''}"


def to_best(cell: Cell) -> str:
    """How far a cell is from its column's best, with its 95 % interval; – where that is not known."""
    paired = cell.against_best
    if paired is None:
        return NONE
    return f"{paired.difference:+z.3f} [{paired.low:+z.3f}, {paired.high:+z.3f}]"


def p_value(cell: Cell) -> str:
    """The adjusted p of that difference."""
    if cell.adjusted_p is None:
        return NONE
    return "< 0.001" if cell.adjusted_p < 0.001 else f"{cell.adjusted_p:.3f}"
