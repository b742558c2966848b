"""Advice when a baseline is made: what changed, which metrics are not judged, and which drops it cannot show."""

from collections.abc import Iterator

from hashbench.evaluation.headline import HEADLINE
from hashbench.reporting.identity import Identity, match
from hashbench.reporting.regression.baseline import Baseline, gated
from hashbench.reporting.regression.tolerance import DROP, repetitions_on_both_sides


def advice(baseline: Baseline, before: Baseline | None) -> Iterator[str]:
    """Lines on cells added and removed since the baseline ``before``, on metrics not judged, on too few repetitions."""
    yield from _changes(baseline, before)
    if not baseline.figures:
        yield (
            "each cell has one repetition, which does not tell how far seeds spread: this baseline is for the same "
            "seeds, hardware and versions alone; run with --repeats for others"
        )
    yield from _unjudged(baseline)
    few = list(_too_few(baseline))
    if few:
        yield f"too few repetitions to see {HEADLINE} drop by {DROP} surely under other seeds, hardware or versions:"
        yield from few


def _unjudged(baseline: Baseline) -> Iterator[str]:
    """Metrics that a cell lacks, be they gated everywhere or for other cells of its protocol card."""
    wanted: dict[str, dict[str, None]] = {}
    for cell in baseline.cells:
        wanted.setdefault(cell.identity.table.card, dict.fromkeys(gated(cell.headline))).update(
            dict.fromkeys(cell.metrics)
        )
    for cell in baseline.cells:
        lacking = [name for name in wanted[cell.identity.table.card] if name not in cell.metrics]
        if lacking:
            names = ", ".join(lacking)
            yield f"not judged, since it is not a number in some repetition: {cell.identity.label}, {names}"


def _too_few(baseline: Baseline) -> Iterator[str]:
    for cell in baseline.cells:
        figure = cell.metrics.get(cell.headline)
        if figure is None or figure.sd is None:
            continue
        if figure.repetitions_needed is None or figure.repetitions_needed > len(cell.runs):
            wanted = repetitions_on_both_sides(figure.sd, baseline.figures)
            yield f"  {cell.identity.label}: {len(cell.runs)}; {wanted or 'more than 200'} on both sides would do"


def _changes(baseline: Baseline, before: Baseline | None) -> Iterator[str]:
    old: list[Identity] = [cell.identity for cell in before.cells] if before else []
    pairs = match(old, [cell.identity for cell in baseline.cells])
    for one in pairs if before else ():
        if one.first is None:
            yield f"new: {one.either.label} on {one.either.table_name}"
        elif one.second is None:
            yield f"gone: {one.first.label} on {one.first.table_name}"
        elif one.why:
            yield f"replaced: {one.second.label} on {one.second.table_name} ({'; '.join(one.why)})"
