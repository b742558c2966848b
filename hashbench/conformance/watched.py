"""A training set that logs whether its labels are read."""

from dataclasses import dataclass, field
from typing import Any

from hashbench.method import TrainingSet

LABELS = ("labels", "given_labels")


@dataclass(frozen=True)
class WatchedTrainingSet(TrainingSet):
    """As its base class; ``read`` has the names by which labels were asked for."""

    read: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.read.clear()

    def __getattribute__(self, name: str) -> Any:
        if name in LABELS:
            super().__getattribute__("read").append(name)
        return super().__getattribute__(name)
