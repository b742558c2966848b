"""The scores of a record as text: headline first, what it depends on beside it."""

from typing import Any

SMALLEST_SPREAD = 0.0005  # of the bounds, below which three digits show no difference


def lines(record: dict[str, Any]) -> list[str]:
    """What ``score`` and ``rescore`` print of a record that has codes."""
    trial, card, metrics = record["trial"], record["protocol_card"], record["metrics"]
    sizes = card["sizes"]
    classes = f"{card['classes']:,} label{'' if card['classes'] == 1 else 's'}"
    return [
        f"{trial['method']}, {trial['bits']} bits: {sizes['query']:,} queries, {sizes['database']:,} database items, "
        f"{classes}; {trial['protocol']}, protocol card {card['id']}",
        "",
        *_grid(_rows(metrics, record["diagnostics"], card["cutoff"])),
        "",
        *_findings(record),
    ]


def _rows(metrics: dict[str, Any], diagnostics: dict[str, Any], cutoff: int | None) -> list[tuple[str, str, str]]:
    chance = f"chance {metrics['chance']:.3f}" + (
        "" if metrics["adjusted_map@1000"] is None else f", chance-adjusted {metrics['adjusted_map@1000']:.3f}"
    )
    found = [
        ("mAP@1000", "map@1000", f"divided by the hits among the first 1,000; {chance}"),
        ("", "map@1000/min", "the same divided by min(1000, R), R being all relevant items"),
        ("", "map@1000/total", "the same divided by R"),
        ("mAP@all", "map@all", "over the whole ranking"),
    ]
    if cutoff is not None and f"map@{cutoff}/min" in metrics and cutoff != 1000:
        found.append((f"mAP@{cutoff}", f"map@{cutoff}", f"divided by the hits among the first {cutoff:,}"))
    found += [
        ("precision@100", "precision@100", ""),
        ("recall@1000", "recall@1000", ""),
        ("precision r<=2", "precision@r2", f"{diagnostics['empty_share@r2']:.1%} of these balls are empty and count 0"),
    ]
    return [(heading, _number(metrics[metric]), words) for heading, metric, words in found]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _findings(record: dict[str, Any]) -> list[str]:
    metrics, queries = record["metrics"], record["queries"]
    worst, best = metrics["map@1000/worst"], metrics["map@1000/best"]
    tied = f"{record['diagnostics']['tied_share@1000']:.1%} of the first 1,000 places are tied"
    if best - worst < SMALLEST_SPREAD:
        said = [f"Ties: {tied}, and mAP@1000 is the same in every order of them."]
    else:
        said = [
            f"Ties: {tied}; figures here are the exact mean over all their orders.",
            f"A script that sorts shows one order: other tie orders give mAP@1000 {worst:.3f} to {best:.3f}, "
            f"mAP@all {metrics['map@all/worst']:.3f} to {metrics['map@all/best']:.3f}.",
        ]
    if queries["unanswerable"]:
        said.append(f"Queries without any relevant database item, left out of the means: {queries['unanswerable']:,}.")
    constant = record["diagnostics"]["constant_bits"]
    return [*said, *([f"Bits that never change: {constant} of {record['trial']['bits']}."] if constant else [])]


def _grid(rows: list[tuple[str, str, str]]) -> list[str]:
    width = max(len(heading) for heading, _, _ in rows)
    return [f"  {heading:<{width}}  {number}  {words}".rstrip() for heading, number, words in rows]
