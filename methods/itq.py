"""ITQ: principal components, rotated so that their signs lose least."""

from typing import Self

import torch
from torch import Tensor

from hashbench.method import HashMethod, Linear, RunContext, TrainingSet, Traits
from hashbench.shallow.rotation import random_rotation
from hashbench.util.pca import principal_axes


class ITQ(HashMethod):
    """Iterative quantisation (Gong and Lazebnik 2011, section 2.2): min over B, R of ||B - V R||^2 (equation 2).

    V [n, bits] are the centred training features on their leading principal axes, B = sgn(V R) in {-1, +1} and R is
    orthogonal. Starting from a random rotation, B and R are optimal for each other in turn:
    B = sgn(V R); B^T V = S Omega S'^T, R = S' S^T. So the objective never rises.
    A new item has the bits sgn((x - mean) W R).

    Some public code (faiss) scales the features to unit length first; here they stay as they are, as in the authors'.
    """

    traits = Traits(
        zero_is_one=True,
        paper="Gong and Lazebnik, Iterative quantization: a Procrustean approach to learning binary codes, CVPR 2011",
    )

    def __init__(self, bits: int, iterations: int = 50) -> None:
        super().__init__(bits)
        if iterations < 0:
            raise ValueError(f"itq: iterations is {iterations}, wanted 0 or more")
        self.iterations = iterations

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        principal = principal_axes(train.features, self.bits)
        start = random_rotation(self.bits, run.generator).to(train.features.device)
        rotation, objectives = quantising_rotation(principal.project(train.features), start, self.iterations)
        for iteration, objective in enumerate(objectives.tolist(), 1):
            run.log_epoch(iteration, self.iterations, objective=objective)
        self.mean_ = principal.mean
        self.projection_ = principal.axes @ rotation
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return self.linear()(batch) >= 0

    def linear(self) -> Linear:
        return Linear(self.mean_, self.projection_)


def quantising_rotation(v: Tensor, rotation: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    """R [bits, bits] and ||sgn(V R) - V R||^2 [iterations], each measured before R is renewed.

    B^T V is formed as its transpose V^T B, and the objective from it: n bits + ||V||^2 - 2 tr(R^T V^T B).
    """
    constant = v.numel() + v.square().sum()
    objectives = torch.empty(iterations, dtype=v.dtype, device=v.device)
    rotated = torch.empty_like(v)
    for iteration in range(iterations):
        torch.mm(v, rotation, out=rotated)
        signs = rotated.ge_(0).mul_(2).sub_(1)
        correlation = v.T @ signs
        objectives[iteration] = constant - 2 * (rotation * correlation).sum()
        left, _, right = torch.linalg.svd(correlation)
        rotation = left @ right  # correlation = S' Omega S^T: torch gives S^T itself, not S
    return rotation, objectives
