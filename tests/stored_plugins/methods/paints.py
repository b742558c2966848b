"""A method of 64 bits or fewer that restores pictures: its code is the bright pixels of 8 px images."""

from typing import Self

import torch
from torch import Tensor

from hashbench.method import HashMethod, RunContext, TrainingSet, Traits

SIZE = 8


class Paints(HashMethod):
    """Pixels above ``level`` of 255 are bits; a restored picture has ``light_`` where they are set."""

    traits = Traits(input="images", deterministic=True)

    def __init__(self, bits: int, level: int = 100) -> None:
        super().__init__(bits)
        self.level = level

    def image_size(self, features: str) -> int:
        return SIZE

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        self.light_ = torch.tensor([0.75], device=run.device)
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return batch[:, 0].flatten(1)[:, : self.bits] > self.level

    def restore(self, codes: Tensor) -> Tensor:
        pixels = torch.zeros(len(codes), SIZE * SIZE, device=codes.device)
        pixels[:, : self.bits] = codes * self.light_
        return pixels.view(-1, 1, SIZE, SIZE).expand(-1, 3, -1, -1)
