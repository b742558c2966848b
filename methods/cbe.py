"""CBE: circulant binary embedding, a projection of d dimensions that costs d log d."""

from typing import Self

import torch
from torch import Tensor

from hashbench.errors import Incompatible
from hashbench.method import HashMethod, RunContext, TrainingSet, Traits
from hashbench.shallow.kmeans import CHUNK_ROWS, drawn_rows
from hashbench.util.pca import column_means

NEWTON_STEPS = 60


class CirculantBinaryEmbedding(HashMethod):
    """Circulant binary embedding (Yu, Kumar, Gong and Chang 2014): b = sgn of the first ``bits`` rows of R D x.

    D flips signs at random and R is the circulant matrix of a vector r, so that R D x is the circular convolution of r
    and D x, computed by the FFT. Drawn at random (iterations = 0, section 3), r ~ N(0, I). Optimised (section 4), r and
    B minimise ||B - X R^T||^2 / n + lambda ||R R^T - I||^2 in turn (equation 15); B = sgn(X R^T) / sqrt(d) in the first
    ``bits`` columns and 0 in the others (section 4.2). In the frequency domain the objective falls apart into one
    polynomial of degree four for the modulus of each coefficient of r, whose minimum is found to rounding error;
    the paper descends by gradients instead.

    Items are centred, and scaled to unit length to optimise, as in the paper; ``samples`` of them, drawn at random.
    The first term is a mean over the items, so that lambda means the same for any number; the paper's is a sum.

    Args:
        bits: at most the dimension of the features.
        iterations: of the optimisation; 0 is the paper's CBE-rand.
        orthogonality: lambda; the paper's 1, which stands beside its sum.
        samples: items drawn to optimise with.

    Raises:
        ValueError: a parameter is out of its range.
    """

    traits = Traits(zero_is_one=True, paper="Yu, Kumar, Gong and Chang, Circulant binary embedding, ICML 2014")

    def __init__(self, bits: int, iterations: int = 10, orthogonality: float = 1.0, samples: int = 10_000) -> None:
        super().__init__(bits)
        if iterations < 0:
            raise ValueError(f"cbe: iterations is {iterations}, wanted 0 or more (0 draws the projection)")
        if not orthogonality > 0:
            raise ValueError(f"cbe: orthogonality is {orthogonality}, wanted a number above 0")
        if samples < 1:
            raise ValueError(f"cbe: samples is {samples}, wanted 1 or more")
        self.iterations, self.orthogonality, self.samples = iterations, orthogonality, samples

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        x, dimension = train.features, train.features.shape[1]
        if self.bits > dimension:
            raise Incompatible(f"{self.bits} bits are more than the {dimension} rows of a circulant projection")
        self.mean_ = column_means(x)
        self.flips_ = torch.randint(2, (dimension,), generator=run.generator).double().to(x.device) * 2 - 1
        start = torch.randn(dimension, generator=run.generator, dtype=torch.float64).to(x.device)
        self.vector_ = start
        if self.iterations:
            chosen = drawn_rows(len(x), self.samples, run.generator).to(x.device)
            rows = torch.nn.functional.normalize(self._flipped(x[chosen]), dim=1)
            self.vector_ = torch.fft.irfft(self._optimised(rows, torch.fft.rfft(start), run), n=dimension)
        return self

    def encode(self, batch: Tensor) -> Tensor:
        return self.project(batch) >= 0

    def project(self, batch: Tensor) -> Tensor:
        return convolved(self._flipped(batch), torch.fft.rfft(self.vector_))[:, : self.bits]

    def _flipped(self, batch: Tensor) -> Tensor:
        return (batch.double() - self.mean_) * self.flips_

    def _optimised(self, x: Tensor, spectrum: Tensor, run: RunContext) -> Tensor:
        """The half spectrum of r after renewing B and r in turn; logs the objective after each renewal of r."""
        weight = self.orthogonality
        twice = multiplicity(x.shape[1], x)
        spectrum = spectrum / spectrum.abs().clamp(min=1e-300)  # an orthogonal start
        for iteration in range(1, self.iterations + 1):
            energy, correlation = moments(x, spectrum, self.bits)
            modulus = best_modulus(energy, correlation.abs(), weight)
            spectrum = torch.polar(modulus, correlation.angle())
            fit = (energy * modulus - 2 * correlation.abs()) * modulus
            losses = twice * (fit + weight * (modulus.square() - 1).square())
            run.log_epoch(iteration, self.iterations, objective=losses.sum() + self.bits / x.shape[1])
        return spectrum


def convolved(x: Tensor, spectrum: Tensor) -> Tensor:
    """The circular convolution of each row [n, d] with the vector of this half spectrum, float64 [n, d]."""
    if not len(x):
        return x  # an FFT library refuses empty batches
    result: Tensor = torch.fft.irfft(torch.fft.rfft(x) * spectrum, n=x.shape[1])
    return result


def multiplicity(dimension: int, like: Tensor) -> Tensor:
    """How often each coefficient of a half spectrum stands in the whole one: once for real ones, else twice."""
    twice = torch.full((dimension // 2 + 1,), 2.0, dtype=torch.float64, device=like.device)
    twice[0] = 1
    if dimension % 2 == 0:
        twice[-1] = 1
    return twice


def moments(x: Tensor, spectrum: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """Per frequency the energy of x, float64, and its correlation with B, complex128; means over the rows."""
    dimension = x.shape[1]
    energy = torch.zeros(len(spectrum), dtype=torch.float64, device=x.device)
    correlation = torch.zeros_like(spectrum)
    for start in range(0, len(x), CHUNK_ROWS):
        rows = x[start : start + CHUNK_ROWS]
        transformed = torch.fft.rfft(rows)
        binary = torch.zeros_like(rows)
        binary[:, :bits] = (convolved(rows, spectrum)[:, :bits] >= 0).double() * 2 - 1
        energy += transformed.abs().square().sum(0)
        correlation += (transformed.conj() * torch.fft.rfft(binary / dimension**0.5)).sum(0)
    scale = len(x) * dimension  # of Parseval's identity, and of the mean
    return energy / scale, correlation / scale


def best_modulus(energy: Tensor, correlation: Tensor, weight: float) -> Tensor:
    """The rho >= 0 that minimises weight (rho^2 - 1)^2 + energy rho^2 - 2 correlation rho, elementwise.

    The derivative is convex in rho >= 0 and at most 0 at the start of its rise, so Newton's method from above its one
    root falls onto it.
    """
    rho = 1 + correlation / weight + (correlation / weight).pow(1 / 3)
    for _ in range(NEWTON_STEPS):
        slope = 4 * weight * rho**3 + 2 * (energy - 2 * weight) * rho - 2 * correlation
        rise = 12 * weight * rho**2 + 2 * (energy - 2 * weight)
        rho = (rho - torch.where(rise > 0, slope / rise.clamp(min=1e-300), 0.0)).clamp(min=0)
    return rho
