"""The fields of a record that come from the evaluation, and the arrays stored beside it."""

from typing import Any

import numpy as np
import numpy.typing as npt

from hashbench.codes import Codes
from hashbench.dataset import Items
from hashbench.evaluation.evaluate import Scores

Labels = npt.NDArray[np.bool_]


def score_fields(scores: Scores) -> dict[str, Any]:
    """The fields of a record that come from the evaluation alone."""
    return {
        "metrics": scores.metrics,
        "queries": scores.queries,
        "curves": scores.curves,
        "diagnostics": scores.diagnostics,
    }


def saved_arrays(
    scores: Scores, labels: tuple[Labels, Labels], items: tuple[Items, Items], codes: tuple[Codes, Codes] | None
) -> dict[str, npt.NDArray[Any]]:
    """The arrays beside a record, by name.

    Args:
        scores: of the evaluation.
        labels: bool [items, classes] of queries and database.
        items: item numbers of queries and database.
        codes: of queries and database; None for float features.
    """
    arrays: dict[str, npt.NDArray[Any]] = {
        "query_labels": np.packbits(labels[0], axis=1),
        "database_labels": np.packbits(labels[1], axis=1),
        "query_items": items[0],
        "database_items": items[1],
        "average_precision": scores.average_precision,
    }
    if codes is not None:
        arrays |= {"query_codes": codes[0].packed, "database_codes": codes[1].packed}
    return arrays
