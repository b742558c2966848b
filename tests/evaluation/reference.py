"""The metrics in slow, plain Python: every order of the ties is written out, nothing is in closed form."""

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction

Group = tuple[int, int]
"""Items of a group of ties, and relevant ones among them."""


def orders(groups: list[Group]) -> Iterator[tuple[bool, ...]]:
    """Every arrangement of relevant and other items; all are equally likely."""
    patterns = [
        [tuple(index in hits for index in range(n)) for hits in itertools.combinations(range(n), r)] for n, r in groups
    ]
    for parts in itertools.product(*patterns):
        yield tuple(itertools.chain.from_iterable(parts))


def average_precision(ranking: tuple[bool, ...], k: int | None, denominator: str) -> Fraction:
    """AP@k of a ranking without ties."""
    k = len(ranking) if k is None else k
    hits, total = 0, Fraction(0)
    for rank, relevant in enumerate(ranking[:k], start=1):
        hits += relevant
        total += Fraction(hits, rank) if relevant else 0
    divisor = {"hits": hits, "min": min(k, sum(ranking)), "total": sum(ranking)}[denominator]
    return total / divisor if divisor else Fraction(0)


def over_all_orders(groups: list[Group], k: int | None, denominator: str = "hits") -> dict[str, float]:
    """Mean, highest and lowest AP@k."""
    values = [average_precision(ranking, k, denominator) for ranking in orders(groups)]
    return {
        "expected": float(sum(values, Fraction(0)) / len(values)),
        "best": float(max(values)),
        "worst": float(min(values)),
    }


def expected_hits(groups: list[Group], k: int) -> float:
    """Relevant items within the first k, on average."""
    values = [sum(ranking[:k]) for ranking in orders(groups)]
    return sum(values) / len(values)


def groups_by_distance(
    query: list[bool], database: list[list[bool]], labels: set[int], database_labels: list[set[int]]
) -> list[Group]:
    """One group for each distance 0 .. bits."""
    groups = [(0, 0)] * (len(query) + 1)
    for code, item_labels in zip(database, database_labels, strict=True):
        distance = sum(a != b for a, b in zip(query, code, strict=True))
        items, relevant = groups[distance]
        groups[distance] = (items + 1, relevant + bool(labels & item_labels))
    return groups


def metrics(groups: list[Group], cutoff: int) -> dict[str, float]:
    """Every metric of one query with a relevant item; the groups are distances."""
    total = sum(r for _, r in groups)
    values = {}
    for name, k in (("1000", 1000), (str(cutoff), cutoff)):
        for suffix, denominator in (("", "hits"), ("/min", "min"), ("/total", "total")):
            values[f"map@{name}{suffix}"] = over_all_orders(groups, k, denominator)["expected"]
    for name, rank in (("1000", 1000), ("all", None)):
        values_by_order = over_all_orders(groups, rank)
        values |= {f"map@{name}/best": values_by_order["best"], f"map@{name}/worst": values_by_order["worst"]}
        values[f"map@{name}"] = values_by_order["expected"]
    for k in (1, 10, 100, 1000, cutoff):
        values |= {f"precision@{k}": expected_hits(groups, k) / k, f"recall@{k}": expected_hits(groups, k) / total}
    ball = groups[:3]
    items = sum(n for n, _ in ball)
    values["precision@r2"] = sum(r for _, r in ball) / items if items else 0.0
    values["chance"] = over_all_orders([(sum(n for n, _ in groups), total)], 1000)["expected"]
    return values


def tied_average_precision(n: int, r: int, k: int) -> float:
    """Expected AP@k ("hits") of one group of n items, by a sum over the hits h within k and over their ranks."""
    draws = math.comb(n, k)
    value = 0.0
    for h in range(max(1, k - (n - r)), min(k, r) + 1):
        probability = math.comb(r, h) * math.comb(n - r, k - h) / draws
        slope = (h - 1) / (k - 1) if k > 1 else 0.0
        value += probability * sum(h / k * (1 + j * slope) / (j + 1) for j in range(k)) / h
    return value
