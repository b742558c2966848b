"""The fields of a record that come from the evaluation, and the arrays stored beside it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from hashbench.codes import Codes
from hashbench.dataset import Items
from hashbench.evaluation.evaluate import Scores
from hashbench.evaluation.neighbours import Neighbours
from hashbench.search.backend import LabelPair, LabelSide

NEIGHBOUR_ARRAYS = ("starts", "rows", "values")


def score_fields(scores: Scores) -> dict[str, Any]:
    """The fields of a record that come from the evaluation alone."""
    return {
        "metrics": scores.metrics,
        "queries": scores.queries,
        "curves": scores.curves,
        "diagnostics": scores.diagnostics,
    }


def saved_arrays(
    scores: Scores,
    labels: LabelPair,
    items: tuple[Items, Items],
    codes: tuple[Codes, Codes] | None,
    neighbours: Neighbours | None = None,
    beside: Mapping[str, npt.NDArray[np.float32]] | None = None,
) -> dict[str, npt.NDArray[Any]]:
    """The arrays beside a record, by name.

    Args:
        scores: of the evaluation.
        labels: of queries and database: bool [items, classes], stored packed, uint8 [items, ceil(classes / 8)]; or
            class numbers, int64 [items], stored as they are.
        items: item numbers of queries and database.
        codes: of queries and database; None for float features.
        neighbours: of the queries, where they were scored.
        beside: what a ranking by scores reads beside the codes.
    """
    arrays: dict[str, npt.NDArray[Any]] = {
        "query_labels": _stored(labels[0]),
        "database_labels": _stored(labels[1]),
        "query_items": items[0],
        "database_items": items[1],
        **score_arrays(scores),
    }
    if codes is not None:
        arrays |= {"query_codes": codes[0].packed, "database_codes": codes[1].packed}
    arrays |= beside or {}
    if neighbours is not None:
        arrays |= {f"neighbour_{name}": getattr(neighbours, name) for name in NEIGHBOUR_ARRAYS}
    return arrays


def score_arrays(scores: Scores) -> dict[str, npt.NDArray[Any]]:
    """The arrays that an evaluation alone makes: the headlines of each query."""
    arrays = {"average_precision": scores.average_precision}
    return arrays if scores.neighbour_recall is None else {**arrays, "neighbour_recall": scores.neighbour_recall}


def stored_neighbours(arrays: Mapping[str, npt.NDArray[Any]], card: Mapping[str, Any]) -> Neighbours | None:
    """The neighbours as :func:`saved_arrays` stored them; None where there are none.

    Args:
        arrays: by name.
        card: of the record.
    """
    if "neighbour_rows" not in arrays:
        return None
    relevance = card["relevance"]
    values = {name: arrays[f"neighbour_{name}"] for name in NEIGHBOUR_ARRAYS}
    return Neighbours(relevance["k"], relevance["distance"], **values)


def stored_labels(array: npt.NDArray[Any], classes: int) -> LabelSide:
    """Labels as :func:`saved_arrays` stored them."""
    return array if array.ndim == 1 else np.unpackbits(array, axis=1, count=classes).astype(np.bool_)


def _stored(labels: LabelSide) -> npt.NDArray[Any]:
    return labels if labels.ndim == 1 else np.packbits(labels, axis=1)
