"""The scores of a record as text: the headline first, then other metrics and the ties."""

from typing import Any

from hashbench.evaluation.headline import HEADLINE, HEADLINE_K, RADIUS
from hashbench.reporting.metric_names import HEADLINE_NAME, metric_name
from hashbench.reporting.plain_text import NONE, aligned

SMALLEST_SPREAD = 0.0005  # of the bounds, below which three digits show no difference


def lines(record: dict[str, Any]) -> list[str]:
    """The lines that ``score`` prints of a record with codes."""
    trial, card, metrics = record["trial"], record["protocol_card"], record["metrics"]
    sizes = card["sizes"]
    classes = f"{card['classes']:,} label{'' if card['classes'] == 1 else 's'}"
    return [
        f"{trial['method']}, {trial['bits']} bits: {sizes['query']:,} queries, {sizes['database']:,} database items, "
        f"{classes}; {trial['protocol']}, protocol card {card['id']}",
        "",
        *aligned(_rows(metrics, record["diagnostics"], card["cutoff"]), "lrl"),
        "",
        *_findings(record),
    ]


def _rows(metrics: dict[str, Any], diagnostics: dict[str, Any], cutoff: int | None) -> list[tuple[str, str, str]]:
    chance, adjusted = f"chance {metrics['chance']:.3f}", metrics[f"adjusted_{HEADLINE}"]
    if adjusted is not None:
        chance += f", chance-adjusted {adjusted:.3f}"
    empty = diagnostics[f"empty_share@r{RADIUS}"]
    rows = [
        (HEADLINE_NAME, HEADLINE, f"divided by the hits among the first {HEADLINE_K:,}; {chance}"),
        ("", f"{HEADLINE}/min", f"the same divided by min({HEADLINE_K}, R), R being all relevant items"),
        ("", f"{HEADLINE}/total", "the same divided by R"),
        (metric_name("map@all"), "map@all", "over the whole ranking"),
    ]
    if cutoff is not None and f"map@{cutoff}/min" in metrics and cutoff != HEADLINE_K:
        rows.append((metric_name(f"map@{cutoff}"), f"map@{cutoff}", f"divided by the hits among the first {cutoff:,}"))
    rows += [
        ("precision@100", "precision@100", ""),
        ("recall@1000", "recall@1000", ""),
        (
            f"precision r<={RADIUS}",
            f"precision@r{RADIUS}",
            f"{empty:.1%} of these balls are empty and count 0",
        ),
    ]
    return [(heading, _number(metrics[metric]), words) for heading, metric, words in rows]


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"


def _own_items(card: dict[str, Any]) -> list[str]:
    """Whether queries find themselves."""
    if "left_out" in card:
        return [f"Leave one out: {card['left_out']:,} queries do not find their own item of the database."]
    twice = (card["leaks"] or {}).get("query_in_database", 0)
    return [f"Queries that are also in the database, where each finds itself: {twice:,}."] if twice else []


def _findings(record: dict[str, Any]) -> list[str]:
    metrics, queries = record["metrics"], record["queries"]
    worst, best = metrics[f"{HEADLINE}/worst"], metrics[f"{HEADLINE}/best"]
    tied = f"{record['diagnostics']['tied_share@1000']:.1%} of the first 1,000 ranks are tied"
    if best - worst < SMALLEST_SPREAD:
        sentences = [f"Ties: {tied}, and mAP@1000 is the same in every order of them."]
    else:
        sentences = [
            f"Ties: {tied}; figures here are the exact mean over all their orders.",
            f"A script that sorts shows one order: other tie orders give mAP@1000 {worst:.3f} to {best:.3f}, "
            f"mAP@all {metrics['map@all/worst']:.3f} to {metrics['map@all/best']:.3f}.",
        ]
    sentences += _own_items(record["protocol_card"])
    if queries["unanswerable"]:
        sentences.append(
            f"Queries without any relevant database item, left out of the means: {queries['unanswerable']:,}."
        )
    constant = record["diagnostics"]["constant_bits"]
    return [*sentences, *([f"Bits that never change: {constant} of {record['trial']['bits']}."] if constant else [])]
