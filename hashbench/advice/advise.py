"""``hb.advise``: the smallest code that keeps a collection's neighbours, found and confirmed within a time budget."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from hashbench.advice.answer import answer
from hashbench.advice.budget import Budget
from hashbench.advice.request import BUDGET, TARGET, Request
from hashbench.advice.result import Advice
from hashbench.advice.sample import bare_file, open_collection
from hashbench.advice.study import study
from hashbench.errors import UsageError
from hashbench.execution.array_inputs import Array
from hashbench.util.arrays import as_numpy
from hashbench.util.device import pick_device
from hashbench.util.progress import Log, no_log

VectorsLike = str | Path | Array
ARRAY_FILE, QUERIES_FILE = "vectors.npy", "queries.npy"  # what arrays are called


def advise(
    vectors: VectorsLike,
    *,
    budget: str | float = BUDGET,
    target: str = TARGET,
    metric: str | None = None,
    queries: VectorsLike | int | float | None = None,
    candidates: int | None = None,
    seed: int = 0,
    device: str = "auto",
    log: Log = no_log,
) -> Advice:
    """Find the smallest code that keeps the nearest neighbours of these vectors when its candidates are rescored.

    Args:
        vectors: a file, as ``embeddings:`` takes it, with or without that prefix, or numbers [n, d] of float16,
            float32, int8 or uint8, which are written to a temporary file; the command line of the answer calls it
            vectors.npy, and queries.npy.
        budget: time that may be spent: "10m", "90s", or seconds.
        target: "neighbours/recall@K=SHARE", K 1, 10 or 100.
        metric: "l2", "cosine" or "ip"; by default what the file says, else l2.
        queries: a file or vectors [q, d], or a number or a share of the rows, which are drawn.
        candidates: m, where it is fixed: K m candidates of each query are rescored.
        seed: root of all draws.
        device: auto, cpu, cuda, cuda:1.
        log: gets lines of progress.

    Raises:
        UsageError: vectors or options are not what they should be, or the budget is too short for anything.
    """
    request, where = Request.parse(target, budget, candidates, seed), pick_device(device)
    spending = Budget(request.budget, log)
    with TemporaryDirectory(prefix="hashbench-") as folder, _without_folder(folder):
        vectors = bare_file(vectors) if isinstance(vectors, str) else vectors
        file, other = _file(vectors, Path(folder, ARRAY_FILE)), _file(queries, Path(folder, QUERIES_FILE))
        options = {"metric": metric, "queries": other}
        given = {name: str(value) for name, value in options.items() if value is not None}
        collection = open_collection(file, given, request.k, spending.log)
        made = study(collection, request, where, spending)
        shown = {name: QUERIES_FILE if value.startswith(folder) else value for name, value in given.items()}
        source = ARRAY_FILE if str(file).startswith(folder) else str(file)
        return answer(replace(collection, given=shown), source, made, request, spending)


@contextmanager
def _without_folder(folder: str) -> Iterator[None]:
    """Inside, messages name the files of arrays without their folder, of which the user knows nothing."""
    try:
        yield
    except UsageError as error:
        raise UsageError(str(error).replace(f"{folder}/", "")) from error


def _file(value: Any, file: Path) -> Any:
    """A file that an array is written to; what is no array as it is."""
    if value is None or isinstance(value, (str, Path, int, float)):
        return value
    np.save(file, as_numpy(value), allow_pickle=False)
    return file
