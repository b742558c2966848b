"""Reference trials: random codes and float features, floor and ceiling of every table, and one-hot classes."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hashbench.codes import MAX_BITS, Codes
from hashbench.dataset import Items, Split
from hashbench.errors import Incompatible
from hashbench.evaluation.evaluate import Scores, evaluate_features
from hashbench.evaluation.neighbours import Neighbours
from hashbench.evaluation.relevance import Labels
from hashbench.execution.linear_classifier import LinearClassifier, fit_linear_classifier
from hashbench.execution.training_data import TrainingData, is_finite
from hashbench.util.device import repeatable

DECAY = 5e-4  # of the classifier's weights; a tenth or ten times as much is at most 1 % better on digits and photos
_BLOCK_NUMBERS = 1 << 20


def random_codes(items: int, bits: int, seed: int) -> Codes:
    """Codes of independent fair bits."""
    rng = np.random.default_rng(seed)
    return Codes.pack(rng.integers(0, 2, (items, bits), dtype=np.uint8).astype(np.bool_))


@dataclass(frozen=True)
class CentredRows:
    """Features less a mean, as :class:`hashbench.evaluation.feature_rows.FeatureRows`: blocks are read on access.

    Attributes:
        inputs: the features of all items.
        items: the numbers of those whose rows these are.
        mean: float32 [d], on the device that the rows come to.
    """

    inputs: TrainingData
    items: Items
    mean: Tensor

    @property
    def dimension(self) -> int:
        """Numbers per item."""
        return len(self.mean)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, rows: slice) -> Tensor:
        return self.inputs.feature_rows(self.items[rows], self.mean.device) - self.mean


def feature_rows(inputs: TrainingData, items: Items, device: torch.device) -> CentredRows:
    """Features as they are."""
    return CentredRows(inputs, items, torch.zeros(inputs.features.shape[1], device=device))


def centred_features(inputs: TrainingData, split: Split, device: torch.device) -> tuple[CentredRows, CentredRows]:
    """Query and database features less the training mean; their cosine is the float ranking."""
    mean = training_mean(inputs, split.train, device).float()
    return CentredRows(inputs, split.query, mean), CentredRows(inputs, split.database, mean)


def float_scores(
    inputs: TrainingData,
    split: Split,
    labels: tuple[Labels | None, Labels | None],
    cutoff: int | None,
    neighbours: Neighbours | None,
    device: torch.device,
) -> Scores:
    """Scores of the float ranking: by the cosine of centred features or, with neighbours, by their own distance.

    Args:
        inputs: the features of all items.
        split: index sets; the training items are what features are centred by.
        labels: of queries and database, None of both where there are none.
        cutoff: the protocol's customary k.
        neighbours: the ground truth where it is one.
        device: where the ranking runs.
    """
    if neighbours is None:
        return evaluate_features(*centred_features(inputs, split, device), *labels, cutoff, device)
    if neighbours.distance == "l2":  # does not change by a shift, and has more digits around zero
        rows = centred_features(inputs, split, device)
    else:
        rows = feature_rows(inputs, split.query, device), feature_rows(inputs, split.database, device)
    distance = neighbours.distance
    return evaluate_features(*rows, *labels, cutoff, device, distance=distance, neighbours=neighbours)


def class_classifier(inputs: TrainingData, items: Items, device: torch.device) -> LinearClassifier:
    """A linear classifier of the features, fitted to the labels of the training ``items``.

    Raises:
        Incompatible: there are more classes than a code can have bits.
        ValueError: the features contain NaN or infinite values.
    """
    if inputs.labels.shape[1] > MAX_BITS:
        raise Incompatible(f"a bit for each of {inputs.labels.shape[1]:,} classes: codes have at most {MAX_BITS} bits")
    x = inputs.feature_rows(items, device)
    if not is_finite(x):
        raise ValueError("features contain NaN or infinite values")
    with repeatable():
        return fit_linear_classifier(x, torch.from_numpy(inputs.labels[items]).to(device), DECAY)


def one_hot_classes(inputs: TrainingData, split: Split, device: torch.device) -> tuple[Codes, Codes]:
    """The classes of queries and database that :func:`class_classifier` predicts."""
    classifier = class_classifier(inputs, split.train, device)
    query, database = (predicted_classes(classifier, inputs, part, device) for part in (split.query, split.database))
    return query, database


def predicted_classes(classifier: LinearClassifier, inputs: TrainingData, items: Items, device: torch.device) -> Codes:
    """The classes that a classifier predicts, as codes of a bit per class."""
    step = max(1, _BLOCK_NUMBERS // inputs.features.shape[1])
    parts = (items[start : start + step] for start in range(0, len(items), step))
    with torch.inference_mode(), repeatable():
        packed = [Codes.pack(classifier.predict(inputs.feature_rows(part, device))).packed for part in parts]
    return Codes(np.concatenate(packed), inputs.labels.shape[1])


def training_mean(inputs: TrainingData, items: Items, device: torch.device) -> Tensor:
    """Float64 [d], the mean row, from 2^20 numbers at a time."""
    dimension = inputs.features.shape[1]
    step = max(1, _BLOCK_NUMBERS // dimension)
    total = torch.zeros(dimension, dtype=torch.float64, device=device)
    for start in range(0, len(items), step):
        total += inputs.feature_rows(items[start : start + step], device).double().sum(dim=0)
    return total / len(items)
