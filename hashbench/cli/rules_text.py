"""Other people's rules as text and as JSON: their figures beside ours, and what makes the difference."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hashbench.evaluation.headline import HEADLINE_K
from hashbench.reporting.metric_names import metric_name
from hashbench.reporting.plain_text import NONE, aligned

if TYPE_CHECKING:
    from hashbench.external.rule_scores import RuleScore

OURS = "ours"


def rule_lines(scores: Sequence["RuleScore"], metrics: Mapping[str, float | None]) -> list[str]:
    """A table of rules by k, and a line on each rule: what it does and where it was read.

    Args:
        scores: each rule at the same ranks.
        metrics: of the record.
    """
    ranks = list(dict.fromkeys(score.k for score in scores))
    rules = {score.rule.name: score.rule for score in scores}
    by_cell = {(score.rule.name, score.k): score for score in scores}
    head = ["rule", *(metric_name(_metric(k)) for k in ranks), "queries", f"difference to ours at {HEADLINE_K:,}"]
    rows = [head, [OURS, *(_number(metrics[_metric(k)]) for k in ranks), "", ""]]
    for name in rules:
        at_headline = by_cell[name, HEADLINE_K]
        cells = [_number(by_cell[name, k].value) for k in ranks]
        rows.append([name, *cells, f"{at_headline.queries:,}", _effects(at_headline, metrics)])
    return [
        "By other people's rules, items in the order of the given rows:",
        *aligned(rows, "l" + "r" * (len(ranks) + 1) + "l"),
        "",
        f"  {OURS}: hits, exact mean over all orders of the ties, queries with a relevant item in the database",
        *(line for name, rule in rules.items() for line in (f"  {name}: {rule.about}", f"      {rule.source}")),
    ]


def rules_json(scores: Sequence["RuleScore"], metrics: Mapping[str, float | None]) -> list[dict[str, Any]]:
    """The same for programs; k is null for all ranks."""
    return [
        {
            "rule": score.rule.name,
            "source": score.rule.source,
            "k": score.k,
            "value": score.value,
            "ours": metrics[_metric(score.k)],
            "queries": score.queries,
            "difference": dict(score.effects(metrics[_metric(score.k)] or 0.0)),
        }
        for score in scores
    ]


def _metric(k: int | None) -> str:
    return "map@all" if k is None else f"map@{k}"


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"


def _effects(score: "RuleScore", metrics: Mapping[str, float | None]) -> str:
    parts = score.effects(metrics[_metric(score.k)] or 0.0)
    if not parts:
        return "none"
    return ", ".join(f"{name} {part:+.3f}" for name, part in parts.items())
