"""Cells and ranks as text, the same in every format."""

from hashbench.evaluation.headline import HEADLINE, NEIGHBOURS_HEADLINE
from hashbench.reporting.leaderboard.table import Cell, Line
from hashbench.reporting.metric_names import MULTIPLE
from hashbench.reporting.plain_text import NONE, rate_text

STALE_MARK = "†"
TIED_MARK = "≈"
SHOWN_PERCENT = 95  # of the neighbours, whose m is shown


def rank_text(line: Line) -> str:
    """The rank of a row; – where it has none, nothing for references."""
    return "" if line.kind == "reference" else NONE if line.rank is None else str(line.rank)


def information_text(line: Line) -> str:
    """What the method of a row sees; – of a reference that sees nothing beside images."""
    return NONE if line.kind == "reference" and line.row.information == "images" else line.row.information


def value(cell: Cell, metric: str = HEADLINE, beside: bool = True) -> str:
    """A cell as text: mean, with standard deviation where there are several repetitions; – where there is none.

    The headline bears a mark where it cannot be told apart from its column's best; that of neighbours has the m for
    95 % beside it, if ``beside`` says so.
    """
    mean, deviation = cell.mean(metric), cell.deviation(metric)
    if mean is None and not (metric.startswith(MULTIPLE) and cell.ok):
        return cell.failed[0]["status"] if cell.failed else NONE
    if mean is None or metric.startswith(MULTIPLE):
        return cell.multiple(int(metric.rpartition("@")[2]))
    spread = f" ± {deviation:.3f}" if deviation is not None else ""
    tied = f"{TIED_MARK} " if metric == cell.headline and cell.tied_with_best else ""
    m = multiple(cell, metric) if beside else ""
    return f"{tied}{mean:z.3f}{spread}{STALE_MARK if cell.stale else ''}{f' · {m}' if m else ''}"


def multiple(cell: Cell, metric: str) -> str:
    """The m for 95 %, beside the headline of neighbours: "m 5"; nothing elsewhere."""
    return f"m {cell.multiple(SHOWN_PERCENT)}" if metric == NEIGHBOURS_HEADLINE and cell.ok else ""


def bytes_text(cell: Cell) -> str:
    """Bytes of an item in the database."""
    size = cell.bytes_per_item()
    return NONE if size is None else f"{size:,}"


def difference(cell: Cell) -> str:
    """How far a cell is from its column's best, with its 95 % interval; – where that is not known."""
    paired = cell.vs_best
    if paired is None:
        return NONE
    return f"{paired.difference:+z.3f} [{paired.low:+z.3f}, {paired.high:+z.3f}]"


def p_value(cell: Cell) -> str:
    """The p of that difference, adjusted for all pairs of the table."""
    if cell.vs_best is None:
        return NONE
    return "< 0.001" if cell.vs_best.p < 0.001 else f"{cell.vs_best.p:.3f}"


def costs(cell: Cell) -> list[str]:
    """Seconds of training, images encoded per second and queries searched per second."""
    fit = cell.seconds("fit")
    return [NONE if fit is None else f"{fit:.1f}", rate_text(cell.encode_rate()), rate_text(cell.search_rate())]
