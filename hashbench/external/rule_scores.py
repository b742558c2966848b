"""The same codes by other people's rules: mAP@k as their scripts compute it, and what makes the difference."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from hashbench.codes import Codes, CodesLike, as_codes
from hashbench.dataset import Items
from hashbench.evaluation.relevance import Labels, as_multi_hot, class_count, label_pair
from hashbench.external.other_rules import Rule, chosen_rules
from hashbench.external.query_outputs import Outputs, check_outputs
from hashbench.search.backend import LabelPair

Hits = npt.NDArray[np.bool_]
Counted = tuple[float, int, int]
"""Of one query: the sum of the precisions at the hits among the first k, the number of hits, and all relevant items."""

_ROUNDING = 1e-9  # below which a part of a difference is none
_BLOCK_NUMBERS = 1 << 23  # of distances and relevance at a time


@dataclass(frozen=True)
class RuleScore:
    """mAP@k of one rule.

    Attributes:
        rule: which.
        k: how many ranks count; None for all.
        value: what the rule's script prints; None where it averages no query at all.
        queries: how many queries its mean is over.
        ordered: our definition (hits, queries with a relevant item) in the rule's order of items; None with ``value``.
        divided: the same with the rule's denominator.
    """

    rule: Rule
    k: int | None
    value: float | None
    queries: int
    ordered: float
    divided: float

    def effects(self, ours: float) -> Mapping[str, float]:
        """What makes the difference to ``ours``, part by part; the parts add up to it, zeros are left out."""
        last = self.divided if self.value is None else self.value
        parts = {
            "ranking" if self.rule.needs_outputs else "ties": self.ordered - ours,
            "denominator": self.divided - self.ordered,
            "queries": last - self.divided,
        }
        return {name: part for name, part in parts.items() if abs(part) > _ROUNDING}


def evaluate_as(
    rule: str,
    query_codes: CodesLike,
    database_codes: CodesLike,
    query_labels: Labels,
    database_labels: Labels,
    k: int | None = 1000,
    *,
    bits: int | None = None,
    query_outputs: Outputs | None = None,
) -> float:
    """mAP@k by another definition: ``hb.evaluate_as("hashnet", query_codes, database_codes, labels, labels)``.

    Args:
        rule: deephash, hashnet, total-relevant, min, oh, crovca or torchmetrics.
        query_codes: of q queries, as :func:`hashbench.evaluate` takes them.
        database_codes: of n items, in the order in which such a script would have them: it decides about ties.
        query_labels: class numbers [q] or bool [q, classes].
        database_labels: class numbers [n] or bool [n, classes].
        k: how many ranks count; None for all.
        bits: code length, where codes are packed.
        query_outputs: float [q, bits], the numbers of which the query's bits are the signs, for crovca.

    Returns:
        The number that such a script prints, from 0 to 1; NaN where it averages no query at all.

    Raises:
        ValueError: no such rule, k is below 1, or shapes, dtypes, labels or outputs do not fit.
    """
    if k is not None and k < 1:
        raise ValueError(f"k is {k}, wanted 1 or more, or None for all ranks")
    query, database = as_codes(query_codes, bits), as_codes(database_codes, bits)
    labels = label_pair(query_labels, database_labels, len(query), len(database))
    rules = chosen_rules([rule], query_outputs is not None)
    if query_outputs is not None:
        check_outputs(query_outputs, query)
    (score,) = rule_scores(rules, (query, database), labels, [k], query_outputs=query_outputs)
    return float("nan") if score.value is None else score.value


def rule_scores(
    rules: Sequence[Rule],
    codes: tuple[Codes, Codes],
    labels: LabelPair,
    ranks: Sequence[int | None],
    *,
    own_rows: Items | None = None,
    query_outputs: Outputs | None = None,
) -> list[RuleScore]:
    """Each rule at each k, one query after the other, as the scripts do it.

    Args:
        rules: which.
        codes: of queries and database, in the order of the database that their script had.
        labels: of a :func:`label_pair`.
        ranks: the values of k; None is all ranks.
        own_rows: for each query the row of the database that is left out of its ranking, -1 for none.
        query_outputs: of the queries, for rules that need them.
    """
    counts: dict[tuple[str, int | None], list[Counted]] = {}
    for query in _queries(codes, labels, own_rows, query_outputs):
        for rule in rules:
            for k in ranks:
                counts.setdefault((rule.name, k), []).append(query.counted(rule, k))
    return [_score(rule, k, counts[rule.name, k]) for rule in rules for k in ranks]


def _score(rule: Rule, k: int | None, counted: list[Counted]) -> RuleScore:
    sums, hits, relevant = (np.array(column) for column in zip(*counted, strict=True))
    divisor = {"hits": hits, "total": relevant, "min": relevant if k is None else np.minimum(relevant, k)}
    precision = sums / np.maximum(divisor[rule.denominator], 1)
    answerable = relevant > 0
    averaged = {"all": np.ones(len(hits), dtype=np.bool_), "hits": hits > 0, "relevant": answerable}[rule.averaged]
    value = float(precision[averaged].mean()) if averaged.any() else None
    ours = [
        float(each[answerable].mean()) if answerable.any() else 0.0 for each in (sums / np.maximum(hits, 1), precision)
    ]
    return RuleScore(rule, k, value, int(averaged.sum()), *ours)


class _Query:
    """One query: its distances to the items of the database and which of them are relevant."""

    def __init__(self, distances: npt.NDArray[np.float32], relevant: Hits, bits: int, outputs: Outputs | None) -> None:
        self._distances, self._relevant, self._bits, self._outputs = distances, relevant, bits, outputs
        self._orders: dict[str, npt.NDArray[np.int64]] = {}

    def counted(self, rule: Rule, k: int | None) -> Counted:
        """What the rule's mean needs of the query."""
        first = self._first(rule, len(self._relevant) if k is None else min(k, len(self._relevant)))
        hits = self._relevant[first]
        if not rule.opposite_counts:
            hits = hits & (self._distances[first] < self._bits)
        places = np.flatnonzero(hits) + 1
        return float((np.arange(1, len(places) + 1) / places).sum()), len(places), int(self._relevant.sum())

    def _first(self, rule: Rule, k: int) -> npt.NDArray[np.int64]:
        """The rows of the first k items in the rule's order, int64 [k]."""
        if rule.order == "torch.topk":  # whose order of ties hangs on k
            return torch.from_numpy(self._bits - self._distances).topk(k).indices.numpy()
        if rule.order == "outputs":
            assert self._outputs is not None
            return torch.from_numpy(self._outputs).topk(k, largest=False).indices.numpy()
        if rule.order not in self._orders:
            in_place = rule.order == "database"
            self._orders[rule.order] = np.argsort(self._distances, kind="stable" if in_place else "quicksort")
        return self._orders[rule.order][:k]


def _queries(
    codes: tuple[Codes, Codes], labels: LabelPair, own_rows: Items | None, outputs: Outputs | None
) -> Iterator[_Query]:
    bits, items = codes[0].bits, len(codes[1])
    signs = [2 * each.unpack().astype(np.float32) - 1 for each in codes]
    database = torch.from_numpy((signs[1] > 0).astype(np.float32))
    step = max(1, _BLOCK_NUMBERS // items)
    for start in range(0, len(codes[0]), step):
        part = slice(start, start + step)
        distances = 0.5 * (bits - signs[0][part] @ signs[1].T)
        relevant = _relevance(labels, part)
        real = None if outputs is None else _l1_distances(outputs[part], database)
        for row in range(len(distances)):
            own = -1 if own_rows is None else int(own_rows[start + row])
            kept = slice(None) if own < 0 else np.flatnonzero(np.arange(items) != own)
            mixed = None if real is None else real[row][kept]
            yield _Query(distances[row][kept], relevant[row][kept], bits, mixed)


def _l1_distances(outputs: Outputs, database: torch.Tensor) -> npt.NDArray[np.float32]:
    """The L1 distance between sigmoids and bits, float32 [q, items]."""
    return torch.cdist(torch.sigmoid(torch.from_numpy(np.asarray(outputs, dtype=np.float32))), database, p=1).numpy()


def _relevance(labels: LabelPair, part: slice) -> Hits:
    """Whether queries and items share a label, bool [q, items]."""
    query, database = labels[0][part], labels[1]
    if query.ndim == database.ndim == 1:
        return np.equal.outer(query, database)
    classes = class_count(labels)
    hot = [as_multi_hot(side, classes).astype(np.float32) for side in (query, database)]
    return (hot[0] @ hot[1].T) > 0
