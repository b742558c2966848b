"""A method that trains a pre-trained network on and keeps it whole, batch norms and counters too."""

from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor

from hashbench.method import HashMethod, RunContext, TrainingSet, Traits


class Borrows(HashMethod):
    """Signs of the first features, scaled and shifted by ImageNet's statistics, behind one step of training."""

    traits = Traits(input="images")

    def __init__(self, bits: int, network: str = "mobilenet_v2@32") -> None:
        super().__init__(bits)
        self.network = network

    def backbones(self, features: str) -> tuple[str, ...]:
        return (self.network,)

    def image_size(self, features: str) -> int:
        return 32

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        self.net_: Any = run.backbone(self.network).net
        images = train.images[torch.arange(min(len(train), 16), device=run.device)].float() / 255
        self.net_.train()(images)  # moves the batch norms' statistics
        self.net_.eval()
        self.middle_ = self.net_(images).detach().mean(0)
        return self

    def encode(self, batch: Tensor) -> Tensor:
        with torch.no_grad():
            features: Tensor = self.net_(batch.float() / 255) - self.middle_
        return features[:, : self.bits] > 0

    def state(self) -> dict[str, Tensor]:
        return {**self.net_.state_dict(prefix="net."), "middle": self.middle_}

    def load_state(self, state: Mapping[str, Tensor], run: RunContext | None = None) -> None:
        assert run is not None
        self.net_ = run.backbone(self.network).net
        self.net_.load_state_dict({name[4:]: value for name, value in state.items() if name.startswith("net.")})
        self.net_.to(run.device).eval()
        self.middle_ = state["middle"]

    def restore(self, codes: Tensor) -> None:
        return None
