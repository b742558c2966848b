"""The tables of an answer: what was chosen, and all that was tried."""

from hashbench.advice.result import Advice
from hashbench.advice.words import interval, percent, three
from hashbench.reporting.plain_text import NONE

RANKINGS = {"hamming": "Hamming", "asymmetric": "real query"}


def table(advice: Advice) -> tuple[list[str], list[list[str]]]:
    """Headings, and a line of cells for each code, the smallest first."""
    shown = sorted({1, min(10, advice.most), advice.most})
    extrapolated = any(each.m_all is not None for each in advice.codes)
    head = ["code", "bits", "ranking", "bytes", *(f"m = {m}" for m in shown), "m"]
    head += ["m, all"] if extrapolated else []
    rows = []
    for each in sorted(advice.codes, key=lambda each: (each.bytes_per_vector, -each.recall[min(10, advice.most) - 1])):
        cells = [" ".join([each.method, *map(str, each.parameters.values())]), f"{each.bits:,}", RANKINGS[each.ranking]]
        cells += [f"{each.bytes_per_vector:,}", *(f"{each.recall[m - 1]:.3f}" for m in shown)]
        cells += [NONE if each.m is None else str(each.m)]
        cells += [NONE if each.m_all is None else f"{each.m_all.value:.0f}"] if extrapolated else []
        rows.append(cells)
    return head, rows


def chosen_table(advice: Advice) -> tuple[list[str], list[list[str]]]:
    """Headings, and a line of cells for each code that was confirmed, the smallest first."""
    head = ["code", "bits", "ranking", "bytes", "m", "recall", "search, ms", "rescore, ms"]
    rows = []
    for each in (advice.codes[place] for place in advice.pairs):
        cells = [each.name, f"{each.bits:,}", RANKINGS[each.ranking], f"{each.bytes_per_vector:,}"]
        cells += [str(each.confirmed_m), interval(each.confirmed)]
        cells += (
            [three(stage.p50) for stage in (each.latency.search, each.latency.rescore)] if each.latency else ["", ""]
        )
        rows.append(cells)
    return head, rows


def legend(advice: Advice) -> str:
    """What the table's columns are."""
    more = ""
    if any(each.m_all is not None for each in advice.codes):
        more = f' "m, all" is extrapolated to all {advice.database:,}.'
    return (
        f"Share of the {advice.k} nearest among m times {advice.k} candidates, {advice.sample:,} vectors, "
        f"{advice.choosing:,} choosing queries; m keeps {percent(advice.share)} with room for chance.{more}"
    )
