"""Names and headings of metrics for readers, from their ids in records."""

from hashbench.evaluation.headline import HEADLINE

_NAMES = {
    "adjusted_map@": "chance-adjusted mAP@",
    "map@": "mAP@",
    "wap@": "weighted mAP@",
    "ndcg@": "NDCG@",
    "acg@": "ACG@",
    "precision@r": "precision within radius ",
    "neighbours/recall@": "neighbours' recall@",
}
_HEADINGS = {
    "adjusted_map@": "adjusted mAP@",
    "map@": "mAP@",
    "wap@": "weighted mAP@",
    "ndcg@": "NDCG@",
    "acg@": "ACG@",
    "precision@r": "P@r≤",
    "precision@": "P@",
    "recall@": "R@",
    "neighbours/recall@": "neighbours' R@",
}
_SUFFIXES = {
    "/min": ", denominator min(k, R)",
    "/total": ", denominator R",
    "/best": ", ties at their best",
    "/worst": ", ties at their worst",
}

MULTIPLE = "neighbours/m@"
"""How metrics begin that stand beside recall in tables of neighbours, which are never ranked by them."""


def metric_name(metric: str) -> str:
    """The full name: of "map@1000/min" it is "mAP@1000, denominator min(k, R)"."""
    if metric.startswith(MULTIPLE):
        return f"m for {metric.removeprefix(MULTIPLE)} % of the neighbours"
    if metric.startswith("neighbours/"):
        return _with_prefix(metric, _NAMES)
    stem, slash, kind = metric.partition("/")
    return _with_prefix(stem, _NAMES) + _SUFFIXES.get(slash + kind, slash + kind)


def metric_heading(metric: str) -> str:
    """A short name for a column: of "precision@100" it is "P@100"."""
    if metric.startswith(MULTIPLE):
        return f"m for {metric.removeprefix(MULTIPLE)} %"
    return _with_prefix(metric, _HEADINGS)


def _with_prefix(metric: str, words: dict[str, str]) -> str:
    prefix = next((prefix for prefix in words if metric.startswith(prefix)), "")
    return words.get(prefix, "") + metric.removeprefix(prefix)


HEADLINE_NAME = metric_name(HEADLINE)
