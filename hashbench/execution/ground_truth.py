"""The nearest neighbours of a protocol's queries by their float vectors, made once and kept in the cache."""

import hashlib
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from hashbench.dataset import Distance, Items, Split
from hashbench.errors import UsageError
from hashbench.evaluation.headline import NEIGHBOURS_K
from hashbench.evaluation.nearest import nearest_neighbours
from hashbench.evaluation.neighbours import Neighbours
from hashbench.execution.references import feature_rows
from hashbench.execution.training_data import TrainingData
from hashbench.util.files import replacing
from hashbench.util.npz import read_npz, write_npz
from hashbench.util.progress import Log
from hashbench.util.storage import make_folder

VERSION = 1  # of what is found; goes up when a neighbour or a distance changes
AGREEMENT = 0.99  # of known neighbours with ours; roundings differ, another distance differs more
CHECKED_ROWS = 4096  # at a time
_ARRAYS = ("starts", "rows", "values")


def ground_truth(
    inputs: TrainingData,
    features_sum: str,
    split: Split,
    distance: Distance,
    cache: Path,
    device: torch.device,
    log: Log,
) -> Neighbours:
    """The exact nearest neighbours, from the cache or searched for now.

    They are kept by the content of the features, the items of queries and database, the distance and their number, and
    checked by checksum; what is damaged is made again. Neighbours that the data set knows are compared with them.

    Args:
        inputs: the features.
        features_sum: their checksum.
        split: queries and database.
        distance: that they are nearest under.
        cache: the cache's folder.
        device: where to search.
        log: gets lines of progress.

    Raises:
        UsageError: too many vectors tie, the database is too small, the features of images are zeros and have no
            cosine, or the data set knows other neighbours.
    """
    digest = hashlib.sha256(json.dumps([VERSION, features_sum, distance, NEIGHBOURS_K]).encode())
    for items in (split.query, split.database):
        digest.update(items.astype("<i8").tobytes())
    file = cache / "neighbours" / f"{digest.hexdigest()[:32]}.npz"
    found = _read(file, distance, log)
    if found is None:
        if distance == "cosine" and inputs.dataset.vectors() is None:  # a survey looks at those of vectors
            _check_directions(inputs, split)
        rows = feature_rows(inputs, split.query, device), feature_rows(inputs, split.database, device)
        found = nearest_neighbours(*rows, distance, NEIGHBOURS_K, device, log)
        _check_known(inputs, split, found, log)
        arrays = {name: getattr(found, name) for name in _ARRAYS}
        make_folder(file.parent)
        with replacing(file) as work, work.open("wb") as stream:
            write_npz(stream, {**arrays, "sum": _sum(arrays)}, compressed=False)
    return found


def _read(file: Path, distance: Distance, log: Log) -> Neighbours | None:
    if not file.is_file():
        return None
    try:
        arrays = read_npz(file, (*_ARRAYS, "sum"))
    except (OSError, ValueError) as error:
        log(f"the cached neighbours {file} are damaged ({error}); searched for again")
        return None
    if not np.array_equal(arrays.pop("sum"), _sum(arrays)):
        log(f"the cached neighbours {file} are damaged (their checksum does not match); searched for again")
        return None
    return Neighbours(NEIGHBOURS_K, distance, **arrays)


def _sum(arrays: dict[str, npt.NDArray[np.generic]]) -> npt.NDArray[np.uint8]:
    digest = hashlib.sha256()
    for name in _ARRAYS:
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return np.frombuffer(digest.digest(), dtype=np.uint8)


def _check_directions(inputs: TrainingData, split: Split) -> None:
    for items in (split.query, split.database):
        for start in range(0, len(items), CHECKED_ROWS):
            part = items[start : start + CHECKED_ROWS]
            zero = ~inputs.features[part].any(axis=1)
            if zero.any():
                name = inputs.dataset.names(part[zero][:1])[0]
                raise UsageError(
                    f"{inputs.dataset.title}: the features of {name} are zeros, which have no cosine to others; name "
                    "another --metric, or other features"
                )


def _check_known(inputs: TrainingData, split: Split, found: Neighbours, log: Log) -> None:
    """Compare with the neighbours that come with the data set, of which some may tie with others."""
    known = inputs.dataset.known_neighbours()
    if known is None:
        return
    places = np.full(len(inputs.dataset), -1, dtype=np.int64)
    places[split.database] = np.arange(len(split.database))
    agreed = _share(places[known[:, :NEIGHBOURS_K]], found)
    what = f"{100 * agreed:.2f} % of the neighbours in {inputs.dataset.title} are those found here by {found.distance}"
    if agreed < AGREEMENT:
        raise UsageError(f"{what}, wanted {100 * AGREEMENT:g} % or more; name the distance they are nearest under")
    log(what)


def _share(known: Items, found: Neighbours) -> float:
    """How many of the known neighbours, int64 [q, m], are among those found."""
    listed = np.repeat(np.arange(len(known)), known.shape[1])
    size = 1 + max(int(known.max(initial=0)), int(found.rows.max(initial=0)))
    return float(np.isin(listed * size + known.ravel(), found.owners * size + found.rows).mean())
