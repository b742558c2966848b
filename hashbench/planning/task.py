"""Tasks: a protocol with its features, which the trials of a grid share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from hashbench.codes import MAX_BITS
from hashbench.data.images import on_device
from hashbench.data.protocol_card import ProtocolCard, make_card
from hashbench.data.spec import expand, open_dataset, plugin_name, protocol_id, set_options
from hashbench.data.vector_survey import check_distance, survey
from hashbench.dataset import Dataset, Distance, Split
from hashbench.errors import BrokenFiles, UsageError, catching_exit
from hashbench.evaluation.headline import NEIGHBOURS_K
from hashbench.features.extractor import Extractor
from hashbench.features.spec import extractor, features_dtype
from hashbench.features.weights import Weights
from hashbench.planning.defaults import default_datasets
from hashbench.planning.grid import FULL, Grid, check_commas
from hashbench.plugins.registry import DATASETS
from hashbench.util.paths import cache_folder

TRIED_IMAGES = 16


@dataclass(frozen=True)
class Task:
    """A data set under one protocol, with its features.

    Attributes:
        spec: how the data set is opened.
        dataset: the open one.
        card: the protocol's.
        extractor: of the features.
        device: where its trials run.
        weights: where those of networks come from.
        remarks: lines on what looks wrong in the data set's files.
        dimension: of the features; None where the grid does not ask for codes of that length.
        neighbours: the distance under which the nearest neighbours of the features are relevant, where the grid asks
            for it and the data set does not say so itself.
    """

    spec: str
    dataset: Dataset
    card: ProtocolCard
    extractor: Extractor
    device: torch.device
    weights: Weights
    remarks: Sequence[str] = ()
    dimension: int | None = None
    neighbours: Distance | None = None

    def code_lengths(self, grid: Grid) -> tuple[int, ...]:
        """The grid's code lengths, each once, "full" as the number it means here."""
        lengths = [self.dimension if bits == FULL else bits for bits in grid.bits]
        return tuple(dict.fromkeys(bits for bits in lengths if isinstance(bits, int)))

    def notes(self, grid: Grid) -> Iterator[str]:
        """Lines on what looks wrong in the data set's files, and on options that have no effect."""
        yield from self.remarks
        if grid.features_dtype not in ("auto", self.extractor.dtype):
            yield f"features {self.extractor.name} are {self.extractor.dtype}, whatever --features-dtype says"


def tasks(grid: Grid, data: Path, device: torch.device, weights: Weights) -> Iterator[Task]:
    """Every task of the grid, each protocol once.

    Raises:
        UsageError: a data set or features that are not there, or without items to train on or to score.
    """
    patterns = grid.datasets or default_datasets()
    check_commas("--datasets", patterns, _names_a_file)
    specs = dict.fromkeys(spec for pattern in patterns for spec in expand(pattern, weights.log))
    for spec in _with_options(list(specs), grid):
        with catching_exit(f"data set {spec!r}"):
            task = _task(spec, grid, data, device, weights)
        yield task


def _with_options(specs: Sequence[str], grid: Grid) -> list[str]:
    """The specs with the options that files have; the metric of the features of images is none of them."""
    options = grid.dataset_options()
    of_files = any("metric" in DATASETS.get(plugin_name(spec)).options for spec in specs)
    if not of_files and grid.neighbours is not None:
        options.pop("metric", None)
    elif not of_files and grid.metric is not None:
        raise UsageError(
            f"--metric is {grid.metric!r}, and no data set of this run has such an option; for images it goes with "
            "--relevance neighbours"
        )
    return set_options(specs, options)


def _names_a_file(spec: str) -> bool:
    file = spec.partition(":")[2]
    return bool(file) and Path(file).expanduser().is_file()


def _task(spec: str, grid: Grid, data: Path, device: torch.device, weights: Weights) -> Task:
    dataset = open_dataset(spec, data, weights.log)
    neighbours = grid.neighbours if dataset.distance is None else None
    if neighbours is not None:
        dataset.distance = neighbours
    elif dataset.distance is not None and grid.relevance == "labels":
        raise UsageError(
            f"relevance is 'labels', and {dataset.title} is judged by the nearest neighbours of its vectors; leave "
            "--relevance out: where vectors have labels, mAP stands in the records too"
        )
    card, split = make_card(dataset, protocol_id(spec, dataset))
    _check_sizes(card, grid.limit)
    card = _surveyed(dataset, card)
    if dataset.distance is None or card.classes:
        _check_answerable(card, split, dataset)
    if dataset.distance is not None and card.sizes["database"] < NEIGHBOURS_K:
        raise UsageError(
            f"{card.protocol}: a database of {card.sizes['database']:,} items has no {NEIGHBOURS_K} nearest; give more "
            "vectors, or fewer queries"
        )
    features = extractor(grid.features or dataset.features, weights, features_dtype(grid.features_dtype, device))
    _check_reads(features, dataset, split)
    dimension = _dimension(features, dataset, split, device) if FULL in grid.bits else None
    return Task(spec, dataset, card, features, device, weights, dataset.notes(), dimension, neighbours)


def _dimension(features: Extractor, dataset: Dataset, split: Split, device: torch.device) -> int:
    """The dimension of the features as a code length: of the data set's vectors, or of the features of one image."""
    vectors = dataset.vectors()
    if vectors is not None:
        dimension = vectors.shape[1]
    else:
        with torch.inference_mode():
            dimension = features(on_device(dataset.images(split.query[:1]), device)).shape[1]
    if dimension > MAX_BITS:
        raise UsageError(
            f"bits are full: features {features.name} have {dimension:,} dimensions, and a code has at most {MAX_BITS} "
            "bits; take smaller features, or name code lengths, say --bits 64,256"
        )
    return dimension


def _check_sizes(card: ProtocolCard, limit: int | None) -> None:
    for name, size in card.sizes.items():
        if not size and not card.missing[name]:
            raise UsageError(
                f"{card.protocol} has no {name} items; name some in its files to run methods, or score codes that were "
                "made elsewhere (`hashbench score --protocol`)"
            )
        if not size:
            raise UsageError(
                f"{card.protocol}: none of the {card.missing[name]:,} {name} images is on disk; "
                f"`hashbench data verify` names them and the likely cause"
            )
    if limit is not None and limit > card.sizes["train"]:
        raise UsageError(f"limit is {limit}, but {card.protocol} has {card.sizes['train']} training items")


def _surveyed(dataset: Dataset, card: ProtocolCard) -> ProtocolCard:
    """The card with what is in the vectors of a data set that has some."""
    found = survey(dataset, card, cache_folder())
    if found is None:
        return card
    check_distance(dataset, found)
    return replace(card, vectors=found.facts())


def _check_answerable(card: ProtocolCard, split: Split, dataset: Dataset) -> None:
    labels = dataset.labels()
    if not (labels[split.query] & labels[split.database].any(axis=0)).any():
        raise UsageError(
            f"{card.protocol}: no query shares a label with an item of the database; are the labels in the right rows?"
        )


def _check_reads(features: Extractor, dataset: Dataset, split: Split) -> None:
    """Networks read any image; features without weights are tried on a few, so that not every trial fails alike."""
    if dataset.vectors() is not None:
        if features.name != dataset.features:
            raise UsageError(
                f"{dataset.title} has vectors, which are its features, and no images to extract {features.name!r} "
                "from; leave --features out"
            )
    elif features.weights is None:
        try:
            images = dataset.images(split.query[:TRIED_IMAGES])
        except BrokenFiles:  # all broken images are named at once, before anything is run
            return
        with torch.inference_mode():
            features(images)
