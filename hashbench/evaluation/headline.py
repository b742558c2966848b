"""The headline metrics and the version of all metrics, apart from the metrics so that reports need not import torch."""

from collections.abc import Mapping
from typing import Any

METRIC_VERSION = 1
"""Goes up whenever a number changes for the same codes and labels; records with an older one are rescored.

A new metric changes none: records that lack it stay current.
"""

HEADLINE_K = 1000
HEADLINE = f"map@{HEADLINE_K}"
RADIUS = 2  # bits, of precision within a radius

# Of relevance by neighbours: the nearest items by the float vectors are the ground truth.
NEIGHBOURS_K = 100
NEIGHBOURS_RANKS = (1, 10, 100)  # of recall
NEIGHBOURS_CURVE_K = 10
NEIGHBOURS_HEADLINE = f"neighbours/recall@{NEIGHBOURS_CURVE_K}"
HEADLINES = (HEADLINE, NEIGHBOURS_HEADLINE)
MULTIPLES = tuple(range(1, 101))  # m, of the curve "the 10 nearest inside the first 10 m ranks"
KEPT_PERCENT = (90, 95, 99)  # of which the smallest m is a metric


def headline_of(card: Mapping[str, Any]) -> str:
    """The headline of a protocol, by its card's facts."""
    return HEADLINE if card.get("relevance") is None else NEIGHBOURS_HEADLINE
