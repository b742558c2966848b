"""SH: spectral hashing, thresholded eigenfunctions of a box around the principal components."""

import math
from typing import Self

import torch
from torch import Tensor

from hashbench.method import HashMethod, Linear, RunContext, TrainingSet, Traits
from hashbench.util.pca import principal_axes


class SpectralHashing(HashMethod):
    """Spectral hashing (Weiss, Torralba and Fergus 2008, section 3).

    The data is taken to be uniform in the box [low_i, high_i] of its min(bits, d) leading principal components, whose
    one-dimensional eigenfunctions are Phi_k(y_i) = sin(pi / 2 + k pi (y_i - low_i) / (high_i - low_i)), with an
    eigenvalue that grows with the frequency k / (high_i - low_i). A bit is the sign of one Phi_k, k >= 1; the bits
    are those of the lowest frequencies over all components, so a wide component gives several and a narrow one none.

    As in the authors' code, low and high are the smallest and largest training value (it computes the 5th and 95th
    percentile and overwrites them). It lists the modes k = 0 .. ceil((bits + 1) range_i / range_max) - 1 of each
    component i, drops the constant one (k = 0) and keeps the first ``bits`` by frequency; the upper limit leaves out
    none of these, so here k runs to ``bits``. There, eps keeps the range of a constant component from being zero; here
    such a component has no mode, and features without any variance give constant codes.
    """

    traits = Traits(
        deterministic=True, zero_is_one=True, paper="Weiss, Torralba and Fergus, Spectral hashing, NIPS 2008"
    )

    def fit(self, train: TrainingSet, run: RunContext) -> Self:  # noqa: ARG002 - nothing is drawn
        x = train.features
        principal = principal_axes(x, min(self.bits, x.shape[1]))
        projected = principal.project(x)
        low, high = projected.amin(0), projected.amax(0)
        component, mode = lowest_modes(high - low, self.bits)
        frequency = torch.where(mode > 0, mode * math.pi / (high - low)[component], 0.0)
        self.mean_ = principal.mean
        self.directions_ = principal.axes[:, component] * frequency
        self.phases_ = low[component] * frequency
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return self.linear()(batch) >= 0

    def linear(self) -> Linear:
        return Linear(self.mean_, self.directions_, self.phases_, cosine=True)


def lowest_modes(ranges: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """Component and mode, int64 [bits] each, of the ``bits`` lowest frequencies mode / range, by rising frequency.

    Equal frequencies are taken in the order of the components. All ranges zero: component 0, mode 0 throughout.
    """
    if not ranges.any():
        nothing = torch.zeros(bits, dtype=torch.int64, device=ranges.device)
        return nothing, nothing
    frequencies = torch.arange(1, bits + 1, device=ranges.device) / ranges[:, None]
    lowest = frequencies.flatten().argsort(stable=True)[:bits]
    return lowest // bits, lowest % bits + 1
