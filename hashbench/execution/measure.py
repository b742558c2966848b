"""Throughput of a fitted method: encoding its own input, searching its own codes, on this machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import torch
from torch import Tensor

from hashbench.codes import Codes
from hashbench.data.images import of_one_size, resize, three_channels
from hashbench.dataset import Dataset, Distance, Items
from hashbench.evaluation.rescoring import rescoring_throughput
from hashbench.evaluation.scored_codes import ScoredCodes
from hashbench.evaluation.throughput import encode_throughput, search_rates, search_throughput
from hashbench.execution.other_work import OtherWork
from hashbench.execution.training_data import TrainingData
from hashbench.features.extractor import Extractor
from hashbench.method import HashMethod, RunContext
from hashbench.records.environment import hardware
from hashbench.search.index import HammingIndex
from hashbench.util.device import repeatable

LARGEST_BATCH = {"cpu": 256, "cuda": 4096}  # of images, features or queries at once, by the device's type
DECODED_IMAGES = 256  # a larger batch has them several times
SECONDS_PER_FIGURE = 0.1
COMMON_SIZE = 375  # of images whose own sizes differ: a photograph's shorter side on Flickr, and no network's


@dataclass(frozen=True)
class Rescoring:
    """What a shortlist by codes is ranked anew by, where the nearest neighbours of float vectors are relevant.

    Attributes:
        inputs: the vectors of all items.
        database: the items of the database.
        distance: of the vectors.
        curve: the record's curve of neighbours, {"m": [1, 2, ...], "recall": [...]}.
    """

    inputs: TrainingData
    database: Items
    distance: Distance
    curve: Mapping[str, Any]

    def throughput(self, queries: Items, codes: tuple[Codes, Codes], device: torch.device) -> dict[str, Any]:
        """Latencies of both stages for these queries and their codes, see :func:`rescoring_throughput`."""
        query, database = codes
        return rescoring_throughput(
            HammingIndex(database, device),
            query,
            self.inputs.feature_rows(queries, device),
            lambda rows: self.inputs.feature_rows(self.database[rows], device),
            self.distance,
            dict(zip(self.curve["m"], self.curve["recall"], strict=True)),
            SECONDS_PER_FIGURE,
        )


def measure(
    method: HashMethod,
    run: RunContext,
    dataset: Dataset,
    queries: Items,
    codes: tuple[Codes, Codes],
    extractor: Extractor,
    rescoring: Rescoring | None = None,
    scored: ScoredCodes | None = None,
) -> dict[str, Any]:
    """The content of a throughput file without format and key.

    Images are decoded ones at the data set's own size (375 px where sizes differ), so their rate includes resizing
    and, for a method on features, extraction; there is none where the data set has vectors alone. Call it while
    nothing else runs.

    Args:
        method: fitted.
        run: the run it was fitted in.
        dataset: where images come from.
        queries: the items that are encoded.
        codes: of queries and database.
        extractor: of the trial's features.
        rescoring: where the search by Hamming distance is followed by one among float vectors.
        scored: the same codes with what they are ranked by, where it is not by Hamming distance.
    """
    others = OtherWork()
    on_features, vectors = method.traits.input == "features", dataset.vectors()
    largest = LARGEST_BATCH.get(run.device.type, LARGEST_BATCH["cuda"])
    images = None if vectors is not None else _images(dataset, queries[:DECODED_IMAGES]).to(run.device)
    features = None
    if vectors is not None:
        features = torch.from_numpy(vectors[queries[:largest]].astype("float32")).to(run.device)

    def from_images(batch: Tensor) -> Tensor:
        if on_features:
            return method.encode(extractor(batch).float())
        return method.encode(three_channels(resize(batch, method.image_size(run.features))).contiguous())

    with torch.inference_mode(), repeatable():
        if images is not None and on_features:
            features = extractor(images).float()
        encode = encode_throughput(
            None if images is None else from_images,
            None if images is None else filled(images, largest),
            method.encode if on_features else None,
            None if features is None else filled(features, largest),
            SECONDS_PER_FIGURE,
        )
    query, database = codes
    if scored is None:
        search = search_throughput(query[:largest], database, run.device, SECONDS_PER_FIGURE)
    else:
        search = search_rates(scored.index(), scored.rows[:largest], SECONDS_PER_FIGURE)
    second = {}
    if rescoring is not None and scored is None:
        first = query[:largest], database
        second["rescoring"] = rescoring.throughput(queries[:largest], first, run.device)
    return {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "hardware": hardware(str(run.device), torch.get_num_threads()),
        "other_cores": others.cores(),
        "encode": encode,
        **search,
        **second,
    }


def filled(batch: Tensor, size: int) -> Tensor:
    """The batch with its items again and again until there are ``size``: a GPU takes more than some data sets have.

    A batch on the CPU stays as it is.
    """
    if batch.device.type == "cpu" or len(batch) >= size:
        return batch
    return batch[torch.arange(size, device=batch.device) % len(batch)]


def _images(dataset: Dataset, items: Items) -> Tensor:
    """Decoded images of one size."""
    decoded = dataset.images(items)
    own = of_one_size(decoded)
    return resize(decoded, COMMON_SIZE) if own is None else own
