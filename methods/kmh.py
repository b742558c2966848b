"""KMH: k-means hashing, codewords whose Hamming distances fit their Euclidean ones."""

import math
from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor

from hashbench.errors import Incompatible
from hashbench.method import HashMethod, RunContext, TrainingSet, Traits
from hashbench.shallow.kmeans import drawn_rows, squared_distances
from hashbench.util.pca import RANK_TOLERANCE, principal_axes

STEPS = 10  # of a codeword while the others are fixed


class KMeansHashing(HashMethod):
    """K-means hashing (He, Wen and Sun 2013) in a product of subspaces of ``subspace_bits`` bits each.

    In a subspace an item's bits are the index of its nearest codeword c_i of 2^b. The codewords minimise
    E = mean over items ||x - c_i(x)||^2 + affinity sum over i, j of w_ij (||c_i - c_j|| - s sqrt(h_ij))^2
    (equations 7 to 9), h_ij the Hamming distance of their indices, w_ij = n_i n_j / n^2 with n_i items at c_i. In turn:
    nearest codewords, and each codeword given the others, by steps to the minimum of a bound that touches E from above
    (the tangent of each norm), so E never rises while assignments and so w are fixed; the paper uses a quasi-Newton
    method for the same minimum.

    The subspaces are made of principal axes, dealt out so that the products of their variances are balanced (section
    3.3). A subspace starts from PCA hashing (section 3.2): its codewords are the corners (+-s/2, ..., +-s/2) of a cube
    on its first b axes, s / 2 the mean magnitude of the items' projections on these. ``bits`` that ``subspace_bits``
    does not divide make the last subspace smaller.

    As many bits as dimensions leave no choice of axes: each, even one without variance, gets a bit, and mAP falls.

    Args:
        bits: their subspaces are at most as many as there are dimensions.
        subspace_bits: b; the paper has 4 for 64 bits and less, 8 for 128.
        affinity: lambda; the paper's 10 for SIFT (its 1,000 for GIST keeps less here).
        iterations: assignments; the paper's 50.
        samples: items drawn to learn from.

    Raises:
        ValueError: a parameter is out of its range.
    """

    traits = Traits(
        paper="He, Wen and Sun, K-means hashing: an affinity-preserving quantization method, CVPR 2013",
        presets={"quick": {"iterations": 10}},
    )

    def __init__(
        self, bits: int, subspace_bits: int = 4, affinity: float = 10.0, iterations: int = 50, samples: int = 50_000
    ) -> None:
        super().__init__(bits)
        if not 1 <= subspace_bits <= 8:
            raise ValueError(f"kmh: subspace_bits is {subspace_bits}, wanted 1 to 8")
        if not 0 <= affinity < math.inf:
            raise ValueError(f"kmh: affinity is {affinity}, wanted a number of at least 0")
        for name, value in (("iterations", iterations), ("samples", samples)):
            if value < 1:
                raise ValueError(f"kmh: {name} is {value}, wanted 1 or more")
        self.subspace_bits, self.affinity, self.iterations, self.samples = subspace_bits, affinity, iterations, samples

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        x = train.features
        sizes = subspace_sizes(self.bits, self.subspace_bits)
        axes, dealt = self._subspaces(x, len(sizes))
        rows = x[drawn_rows(len(x), self.samples, run.generator).to(x.device)]
        objectives = torch.zeros(self.iterations, dtype=torch.float64, device=x.device)
        codewords = []
        for part, bits in zip(dealt, sizes, strict=True):
            projected = (rows.double() - self.mean_) @ axes[:, part]
            found, losses = affine_codewords(projected, bits, self.affinity, self.iterations)
            codewords.append(found)
            objectives += losses
        for iteration, objective in enumerate(objectives.tolist(), 1):
            run.log_epoch(iteration, self.iterations, objective=objective)
        self.axes_ = axes[:, torch.cat(dealt)].contiguous()
        self.codewords_ = torch.cat([found.flatten() for found in codewords])
        self.widths_ = torch.tensor([len(part) for part in dealt])
        return self

    def load_state(self, state: Mapping[str, Tensor], run: RunContext | None = None) -> None:
        super().load_state(state, run)
        self.widths_ = self.widths_.cpu()  # every batch reads them, and would wait for a GPU

    def encode(self, batch: Tensor) -> Tensor:
        projected = (batch.double() - self.mean_) @ self.axes_
        sizes, widths = subspace_sizes(self.bits, self.subspace_bits), self.widths_.tolist()
        books = torch.split(self.codewords_, [width << bits for width, bits in zip(widths, sizes, strict=True)])
        codes = [
            index_bits(squared_distances(part, book.view(1 << bits, -1)).argmin(1), bits)
            for part, book, bits in zip(torch.split(projected, widths, dim=1), books, sizes, strict=True)
        ]
        return torch.cat(codes, dim=1)

    def _subspaces(self, x: Tensor, count: int) -> tuple[Tensor, list[Tensor]]:
        """All principal axes, float64 [d, d], and the columns of each subspace by falling variance."""
        dimension = x.shape[1]
        if count > dimension:
            raise Incompatible(
                f"{self.bits} bits need {count} subspaces of {self.subspace_bits} bits, features of {dimension} "
                "dimensions have fewer"
            )
        principal = principal_axes(x, dimension)
        self.mean_ = principal.mean
        variances = principal.project(x[:: max(1, len(x) // self.samples)]).square().mean(0)
        return principal.axes, [part.to(x.device) for part in balanced_parts(variances.cpu(), count)]


def subspace_sizes(bits: int, each: int) -> list[int]:
    """Bits of each subspace; the last has what is left."""
    return [min(each, bits - start) for start in range(0, bits, each)]


def balanced_parts(variances: Tensor, count: int) -> list[Tensor]:
    """Axes dealt out by falling variance, each to the part with the smallest product that is not full; int64 each."""
    logs = variances.clamp(min=max(float(variances.max()) * RANK_TOLERANCE, 1e-300)).log()
    logs = logs - logs.min() + 1  # so that each axis makes its part's product larger
    capacity, products = math.ceil(len(variances) / count), [0.0] * count
    parts: list[list[int]] = [[] for _ in range(count)]
    for axis in variances.argsort(descending=True, stable=True).tolist():
        part = min((p for p in range(count) if len(parts[p]) < capacity), key=products.__getitem__)
        parts[part].append(axis)
        products[part] += float(logs[axis])
    return [torch.tensor(part) for part in parts]


def index_bits(index: Tensor, bits: int) -> Tensor:
    """Bool [n, bits]: int64 indices in binary, the lowest bit first."""
    return (index[:, None] >> torch.arange(bits, device=index.device) & 1).bool()


def affine_codewords(x: Tensor, bits: int, affinity: float, iterations: int) -> tuple[Tensor, Tensor]:
    """Codewords, float64 [2^bits, width], and E after each iteration.

    Args:
        x: float64 [n, width], by falling variance.
        bits: of an index.
        affinity: weight of the second term of E.
        iterations: assignments with one renewal of each codeword.
    """
    words = torch.arange(1 << bits, device=x.device)
    patterns = index_bits(words, bits)
    codewords, edge = hypercube(x, patterns)
    wanted = edge * (patterns[:, None] != patterns).sum(2).double().sqrt()
    losses = torch.empty(iterations, dtype=torch.float64, device=x.device)
    for iteration in range(iterations):
        nearest = squared_distances(x, codewords).argmin(1)
        member = torch.nn.functional.one_hot(nearest, len(words)).double()
        shares = member.mean(0)
        means = member.T @ x / len(x)  # times the share
        for word in range(len(words)):
            codewords[word] = renewed(word, codewords, means[word], shares, wanted[word], affinity)
        losses[iteration] = energy(x, codewords, nearest, shares, wanted, affinity)
    return codewords, losses


def hypercube(x: Tensor, patterns: Tensor) -> tuple[Tensor, Tensor]:
    """The corners of the cube whose signs on the first axes lose least, [2^bits, width], and its edge, a scalar."""
    count = min(patterns.shape[1], x.shape[1])  # axes of a subspace may be fewer than its bits
    edge = 2 * x[:, :count].abs().mean()
    corners = torch.zeros(len(patterns), x.shape[1], dtype=torch.float64, device=x.device)
    corners[:, :count] = (patterns[:, :count].double() - 0.5) * edge
    return corners, edge


def renewed(word: int, codewords: Tensor, mean: Tensor, shares: Tensor, wanted: Tensor, affinity: float) -> Tensor:
    """The codeword after steps to the minimum of the bound of E that touches it, the others fixed.

    Args:
        word: which.
        codewords: float64 [k, width].
        mean: float64 [width], the sum of its items by the number of all.
        shares: float64 [k], of the items at each codeword.
        wanted: float64 [k], its distances s sqrt(h) to the others; 0 to itself.
        affinity: weight of the second term.
    """
    weights = 2 * affinity * shares[word] * shares  # each pair stands twice in E
    weights[word] = 0
    total = shares[word] + weights.sum()
    fixed = mean + weights @ codewords
    present = codewords[word]
    for _ in range(STEPS):
        apart = present - codewords
        pull = weights * wanted / apart.norm(dim=1).clamp(min=1e-300)
        present = torch.where(total > 0, (fixed + pull @ apart) / total.clamp(min=1e-300), present)
    return present


def energy(x: Tensor, codewords: Tensor, nearest: Tensor, shares: Tensor, wanted: Tensor, affinity: float) -> Tensor:
    """E, float64 scalar."""
    quantisation = (x - codewords[nearest]).square().sum(1).mean()
    misfit = (torch.cdist(codewords, codewords) - wanted).square()
    return quantisation + affinity * (shares[:, None] * shares * misfit).sum()
