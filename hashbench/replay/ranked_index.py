"""The database of a record as an index that ranks as the record does."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from hashbench.codes import Codes
from hashbench.errors import UsageError
from hashbench.execution.rankings import query_vectors
from hashbench.execution.stored_trial import StoredCodes, StoredTrial, load_method
from hashbench.replay.fitted import FittedMethod
from hashbench.replay.new_items import NewItems
from hashbench.search.index import HammingIndex
from hashbench.search.scan import ScanIndex
from hashbench.util.progress import Log

Index = HammingIndex | ScanIndex


def ranked_index(stored: StoredTrial, codes: StoredCodes, device: torch.device, method: Any = None) -> Index:
    """The codes of the database, searched by Hamming distance or by the scores of the record's ranking.

    Args:
        stored: the record.
        codes: beside it.
        device: where the search runs.
        method: the fitted method; loaded where it is needed and None.

    Raises:
        UsageError: what the ranking reads was not kept.
    """
    ranking = stored.trial.ranking
    if ranking is None:
        return HammingIndex(codes.database, device)
    if ranking == "estimator" and method is None:
        method = load_method(stored, device)[0]
    scored = codes.encoded().scored(method, device)
    if scored is None:
        raise UsageError(f"{stored.codes_file} has no query_vectors, which the ranking reads; run the trial again")
    return scored.index()


def search_stored(
    index: Index, codes: StoredCodes, queries: npt.NDArray[np.int64], k: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    """The ``k`` nearest items of stored queries: ids int64 [q, k], and distances in bits, or scores, [q, k]."""
    if isinstance(index, HammingIndex):
        return index.search(codes.query[queries], k)
    assert codes.query_vectors is not None
    return index.search(torch.from_numpy(codes.query_vectors[queries]).to(index.device), k)


def new_queries(fitted: FittedMethod) -> Callable[[NewItems, Log], Any]:
    """A function that makes of new items what the index of the record takes as queries."""
    ranking = fitted.stored.trial.ranking

    def codes(x: NewItems, log: Log) -> Codes:
        return fitted.codes(x, log)

    def vectors(x: NewItems, log: Log) -> torch.Tensor:  # noqa: ARG001 - they are few
        assert ranking is not None
        made = query_vectors(fitted.method, fitted.batches(x), ranking)
        return torch.from_numpy(made).to(fitted.run.device)

    return codes if ranking is None else vectors
