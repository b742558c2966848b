"""The context of work on stored trials: folders, device, weights."""

from dataclasses import dataclass, field
from pathlib import Path

import torch

from hashbench.features.parts import Stamp
from hashbench.features.weights import Weights


@dataclass(frozen=True)
class ReplayContext:
    """Folders, device and weights for work on stored trials.

    Attributes:
        results: the result folder that gets the throughput.
        data: the folder of all data sets.
        device: where encoding, search and scoring run.
        weights: of the features' networks, for the rate from images of a method on features.
        dataset: "NAME:FILE" for records whose data set a file describes.
        verified: stamps of feature files that were verified, by folder.
    """

    results: Path
    data: Path
    device: torch.device
    weights: Weights
    dataset: str | None = None
    verified: dict[str, Stamp] = field(default_factory=dict)
