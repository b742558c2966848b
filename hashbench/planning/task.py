"""Grounds: the protocols of a grid with their features, what its trials stand on."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from hashbench.data.protocol_card import Card, make_card
from hashbench.data.spec import expand, open_dataset, protocol_id
from hashbench.dataset import Dataset, Report, Split
from hashbench.errors import UsageError
from hashbench.features.extractor import Extractor
from hashbench.features.spec import extractor
from hashbench.features.weights import Weights
from hashbench.planning.defaults import default_datasets
from hashbench.planning.grid import Request
from hashbench.records.trial_spec import Settings
from hashbench.util.device import pick_device


@dataclass(frozen=True)
class Ground:
    """A data set under one protocol with its features.

    Attributes:
        spec: how the data set is opened.
        card: the protocol's.
        extractor: of the features.
        weights: where those of networks come from.
    """

    spec: str
    card: Card
    extractor: Extractor
    weights: Weights

    def notes(self, request: Request) -> Iterator[str]:
        """Lines on what was asked for and is not so."""
        if request.features_dtype not in ("auto", self.extractor.dtype):
            yield f"features {self.extractor.name} are {self.extractor.dtype}, whatever --features-dtype says"


def grounds(request: Request, settings: Settings, report: Report) -> Iterator[Ground]:
    """Every ground of the grid, each protocol once.

    Raises:
        UsageError: a data set or features that are not there, or of which nothing could be learnt or scored.
    """
    patterns = request.datasets or default_datasets()
    weights = Weights(settings.weights, settings.offline, report)
    for spec in dict.fromkeys(spec for pattern in patterns for spec in expand(pattern)):
        dataset = open_dataset(spec, settings.data, report)
        card, split = make_card(dataset, protocol_id(spec, dataset))
        _check_sizes(card, request.limit)
        _check_answerable(card, split, dataset)
        features = extractor(request.features or dataset.features, weights, _features_dtype(request, settings))
        _check_reads(features, dataset, split)
        yield Ground(spec, card, features, weights)


def _check_sizes(card: Card, limit: int | None) -> None:
    for name, size in card.sizes.items():
        if not size:
            raise UsageError(
                f"{card.protocol}: none of the {card.missing[name]:,} {name} images is on disk; "
                f"`hashbench data verify` counts what is missing"
            )
    if limit is not None and limit > card.sizes["train"]:
        raise UsageError(f"limit is {limit}, but {card.protocol} has {card.sizes['train']} training items")


def _check_answerable(card: Card, split: Split, dataset: Dataset) -> None:
    labels = dataset.labels()
    if not (labels[split.query] & labels[split.database].any(axis=0)).any():
        raise UsageError(
            f"{card.protocol}: no query shares a label with an item of the database; are the labels in the right rows?"
        )


def _check_reads(features: Extractor, dataset: Dataset, split: Split) -> None:
    """Networks read any image; features without weights are tried on one, or every trial would fail alike."""
    if features.weights is None:
        with torch.inference_mode():
            features(dataset.images(split.query[:1]))


def _features_dtype(request: Request, settings: Settings) -> str:
    """Half precision where a GPU extracts, unless the request says otherwise."""
    if request.features_dtype != "auto":
        return request.features_dtype
    return "float16" if pick_device(settings.device).type == "cuda" else "float32"
