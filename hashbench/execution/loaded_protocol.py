"""A protocol as a trial has loaded it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hashbench.data.protocol_card import ProtocolCard
from hashbench.dataset import Dataset, Split
from hashbench.evaluation.neighbours import Neighbours


@dataclass(frozen=True)
class LoadedProtocol:
    """A protocol's data set, card, index sets and labels of all items; ``split.train`` is cut to the trial's limit.

    ``neighbours`` are those of the queries, where they are relevant and have been searched for.
    """

    dataset: Dataset
    card: ProtocolCard
    split: Split
    labels: npt.NDArray[np.bool_]
    neighbours: Neighbours | None = None

    def label_pair(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Labels of queries and database."""
        return self.labels[self.split.query], self.labels[self.split.database]

    def scored_labels(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]] | tuple[None, None]:
        """The same for an evaluation; None where there are no labels."""
        return self.label_pair() if self.labels.shape[1] else (None, None)
