"""What defines each shallow method: balance, equal variances, objectives that never rise, plain references."""

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

import hashbench as hb
from hashbench.data.spec import open_dataset
from hashbench.estimator import Estimator
from hashbench.evaluation.evaluate import evaluate
from hashbench.plugins.registry import METHODS
from hashbench.shallow.anchor_weights import anchor_weights
from hashbench.shallow.rotation import random_rotation
from hashbench.shallow.tsne import gradient, joint_similarities
from hashbench.util.pca import principal_axes

Pixels = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
BITS = 16


def fitted(name: str, x: npt.NDArray[np.float32], bits: int = BITS, **parameters: Any) -> Estimator:
    return hb.hasher(name, bits=bits, device="cpu", **parameters).fit(x)


def state(method: Estimator) -> dict[str, npt.NDArray[Any]]:
    return {name: value.numpy() for name, value in method.fitted.state().items()}


def module_of(name: str) -> Any:
    """The module of a method's file."""
    return sys.modules[METHODS.get(name).__module__]


def objectives(method: Estimator) -> npt.NDArray[np.float64]:
    return np.array([epoch["objective"] for epoch in method.epochs])


def test_pca_rr_is_a_rotation_of_the_principal_components(digits_pixels: Pixels) -> None:
    x = digits_pixels[0]
    turned = rotation(fitted("pca_rr", x), x)
    np.testing.assert_allclose(turned.T @ turned, np.eye(BITS), atol=1e-9)
    assert np.abs(turned).max() < 0.95, "some bit is a principal component"


def rotation(method: Estimator, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    axes = principal_axes(torch.from_numpy(x), method.fitted.bits).axes.numpy()
    result: npt.NDArray[np.float64] = axes.T @ state(method)["projection_"]
    return result


def test_isohash_gives_every_bit_the_same_variance(digits_pixels: Pixels) -> None:
    x = digits_pixels[0]
    method = fitted("isohash", x)
    projected = (x - state(method)["mean_"]) @ state(method)["projection_"]
    variances = projected.var(0)
    assert variances.std() / variances.mean() < 0.01
    unrotated = principal_axes(torch.from_numpy(x), BITS).project(torch.from_numpy(x)).numpy().var(0)
    assert unrotated.std() / unrotated.mean() > 0.5
    np.testing.assert_allclose(variances.sum(), unrotated.sum(), rtol=1e-9)
    np.testing.assert_allclose(rotation(method, x).T @ rotation(method, x), np.eye(BITS), atol=1e-9)


def test_isohashs_distance_to_equal_variances_never_rises(generator: torch.Generator) -> None:
    """Each projection is onto the nearest point of its set, and what is logged is the distance between the two."""
    isotropic_rotation = module_of("isohash").isotropic_rotation
    variances = torch.tensor([9.0, 4.0, 2.5, 1.0, 0.3, 0.1, 0.02, 0.0], dtype=torch.float64)
    start = random_rotation(8, generator)
    _, logged = isotropic_rotation(variances, start, 40)
    plain, rotation = [], start.numpy()
    for _ in range(40):
        lifted = rotation.T @ np.diag(variances) @ rotation
        level = np.where(np.eye(8) == 1, np.trace(lifted) / 8, lifted)  # nearest with equal variances
        plain.append(np.linalg.norm(lifted - level))
        values, vectors = np.linalg.eigh(level)
        rotation = vectors[:, np.argsort(-values)].T  # nearest with the eigenvalues of Lambda
        others = [random_rotation(8, generator).numpy() for _ in range(5)]
        nearest = np.linalg.norm(rotation.T @ np.diag(variances) @ rotation - level)
        assert all(nearest <= np.linalg.norm(other.T @ np.diag(variances) @ other - level) for other in others)
    np.testing.assert_allclose(logged, plain, atol=1e-9)
    assert (np.diff(plain) <= 1e-12 * plain[0]).all()
    assert plain[-1] < 1e-2 * plain[0]
    assert plain[0] > 1


def test_isohash_logs_that_distance(digits_pixels: Pixels) -> None:
    x = digits_pixels[0]
    values, once = objectives(fitted("isohash", x)), fitted("isohash", x, iterations=1)
    assert len(values) == 100
    assert (np.diff(values) <= 1e-9 * values[0]).all()
    assert values[-1] < 1e-2 * values[0]
    projected = (x - state(once)["mean_"]) @ state(once)["projection_"]
    np.testing.assert_allclose(values[1], np.linalg.norm(projected.var(0) - projected.var(0).mean()), rtol=1e-6)


def test_sklsh_distances_follow_the_kernel() -> None:
    """E[share of different bits] = 8 / pi^2 sum over k of (1 - K(k (x - y))) / (4 k^2 - 1) (theorem of the paper)."""
    line = np.linspace(0, 40, 401, dtype=np.float32)[:, None]  # neighbours are .1 apart
    method = fitted("sklsh", line, bits=4_096)
    different = (method.encode(line[:40]) != method.encode(line[:1])).mean(1)
    apart = np.arange(40.0)  # in units of the mean distance to the nearest neighbour
    terms = [(1 - np.exp(-((k * apart) ** 2) / 2)) / (4 * k**2 - 1) for k in range(1, 200)]
    np.testing.assert_allclose(different, 8 / np.pi**2 * np.sum(terms, axis=0), atol=0.02)


def test_spherical_bits_are_balanced_and_share_a_quarter(digits_pixels: Pixels) -> None:
    x = digits_pixels[0]
    method = fitted("spherical", x)
    inside = method.encode(x).astype(float)
    np.testing.assert_allclose(inside.mean(0), 0.5, atol=0.01)
    shared = (inside.T @ inside / len(x))[np.triu_indices(BITS, 1)]
    assert np.abs(shared - 0.25).mean() < 0.1 * 0.25
    assert shared.std() < 0.15 * 0.25
    assert len(method.epochs) < 100


def test_spherical_forces_are_those_of_the_paper_pair_by_pair(generator: torch.Generator) -> None:
    module = module_of("spherical")
    centres = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    excess = torch.randn(5, 5, generator=generator, dtype=torch.float64)
    excess = excess + excess.T
    expected = centres.clone()
    for i in range(5):
        for j in range(5):
            if i != j:
                expected[i] += excess[i, j] / 2 * (centres[i] - centres[j]) / 5
    torch.testing.assert_close(module.pushed_apart(centres, excess), expected)


def test_agh_is_the_eigenvectors_of_the_whole_graph(digits_pixels: Pixels) -> None:
    x = digits_pixels[0][:400]
    method = fitted("agh", x, bits=6, anchors=40, nearest=3)
    anchors, bandwidth = state(method)["anchors_"], float(state(method)["bandwidth_"])
    rows = x - state(method)["mean_"]
    z = np.zeros((len(x), len(anchors)))
    for row, item in enumerate(rows):
        distances = ((anchors - item) ** 2).sum(1)
        near = np.argsort(distances)[:3]
        z[row, near] = np.exp(-distances[near] / bandwidth**2) / np.exp(-distances[near] / bandwidth**2).sum()
    graph = z @ np.diag(1 / z.sum(0)) @ z.T
    np.testing.assert_allclose(graph.sum(1), 1, atol=1e-9)
    values, vectors = np.linalg.eigh(graph)
    assert np.abs(np.diff(values[::-1][:8])).min() > 1e-6
    expected = vectors[:, ::-1][:, 1:7] * np.sqrt(len(x))
    ours = z @ state(method)["weights_"]
    np.testing.assert_allclose(np.abs((ours * expected).mean(0)), 1, atol=1e-6)  # equal up to a sign
    assert (method.encode(x) == (ours >= 0)).mean() >= 0.9999


def test_aghs_second_layer_has_a_threshold_on_either_side(digits_pixels: Pixels) -> None:
    x = digits_pixels[0]
    method = fitted("agh", x, bits=12, layers=2)
    above, below = state(method)["thresholds_"]
    assert (above > 0).all()
    assert (below < 0).all()
    described = anchor_weights(
        torch.from_numpy(x).double() - method.fitted.state()["mean_"],
        method.fitted.state()["anchors_"],
        2,
        method.fitted.state()["bandwidth_"],
    )
    values = described.numpy() @ state(method)["weights_"]
    levels = np.where(values >= 0, values - above, below - values)
    np.testing.assert_allclose(levels.mean(0), 0, atol=1e-9)  # balanced
    assert np.array_equal(method.encode(x)[:, 1::2], levels >= 0)


def test_aghs_thresholds_minimise_the_laplacian_among_balanced_ones(generator: torch.Generator) -> None:
    module = module_of("agh")
    root = torch.randn(4, 3, 3, generator=generator, dtype=torch.float64)
    quadratic, sums = root @ root.transpose(1, 2), torch.tensor([[3.0, -4.0, 6.0]] * 4, dtype=torch.float64)
    above, below = module.balanced_minimum(quadratic, sums)
    torch.testing.assert_close(3 - 4 * above + 6 * below, torch.zeros(4, dtype=torch.float64))
    best = torch.stack([torch.ones_like(above), above, below], 1)
    for step in torch.linspace(-2, 2, 41):
        other = best + step * torch.tensor([0.0, 6.0, 4.0])
        worse = (other[:, None] @ quadratic @ other[..., None]).flatten()
        assert (worse >= (best[:, None] @ quadratic @ best[..., None]).flatten() - 1e-9).all()


def test_dshs_planes_that_halve_alike_have_the_same_entropy() -> None:
    line, sizes = torch.arange(10.0, dtype=torch.float64)[:, None], [3, 1, 4, 1, 5, 5, 1, 4, 1, 3]
    thresholds = torch.arange(0.5, 9, dtype=torch.float64)
    entropy = module_of("dsh").plane_entropy(line, torch.tensor(sizes).double(), torch.ones(1, 9).double(), thresholds)
    assert torch.equal(entropy, entropy.flip(0))
    shares = np.cumsum(sizes)[:-1] / np.sum(sizes)
    np.testing.assert_allclose(entropy, -shares * np.log(shares) - (1 - shares) * np.log(1 - shares), atol=1e-12)


def test_dsh_takes_planes_half_way_between_groups_the_most_balanced_first() -> None:
    rng = np.random.default_rng(0)
    corners = np.array([[0, 0], [10, 0], [0, 10], [10, 10]])
    x = (corners[rng.integers(4, size=2_000)] + rng.normal(size=(2_000, 2))).astype(np.float32)
    bits = fitted("dsh", x, bits=2, groups_per_bit=2, adjacent=3).encode(x)
    np.testing.assert_allclose(bits.mean(0), 0.5, atol=0.06)


@pytest.mark.parametrize("dimension", [7, 12])
def test_cbe_is_a_circulant_matrix(dimension: int) -> None:
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(100, dimension)) + 2).astype(np.float32)
    for iterations in (0, 5):
        method = fitted("cbe", x, bits=5, iterations=iterations)
        row = state(method)["vector_"]
        circulant = np.stack([np.roll(row[::-1], shift + 1) for shift in range(dimension)])
        projected = ((x - state(method)["mean_"]) * state(method)["flips_"]) @ circulant[:5].T
        assert np.array_equal(method.encode(x), projected >= 0)


def test_cbes_objective_never_rises_and_its_rows_are_nearly_orthogonal(digits_pixels: Pixels) -> None:
    method = fitted("cbe", digits_pixels[0], bits=32)
    values = objectives(method)
    assert (np.diff(values) <= 1e-9 * values[0]).all()
    np.testing.assert_allclose(np.abs(np.fft.fft(state(method)["vector_"])), 1, atol=0.1)


def test_cbes_modulus_is_the_minimum_of_its_polynomial() -> None:
    module = module_of("cbe")
    energy = torch.tensor([0.0, 0.1, 1.0, 3.0, 50.0], dtype=torch.float64)
    grid = torch.linspace(0, 5, 500_001, dtype=torch.float64)
    for strength in (0.0, 0.01, 1.0, 9.0):
        found = module.best_modulus(energy, torch.full_like(energy, strength), 1.0)
        losses = (grid**2 - 1) ** 2 + energy[:, None] * grid**2 - 2 * strength * grid
        torch.testing.assert_close(found, grid[losses.argmin(1)], rtol=0, atol=2e-5)


def test_sghs_features_give_the_similarity_of_all_pairs() -> None:
    module = module_of("sgh")
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(50, 8)) / 8**0.5)
    p = module.similarity_features(x, 2.0)
    q = p * torch.cat([torch.ones(9), -torch.ones(1)])
    squares, products = x.square().sum(1), x @ x.T
    linear = (math.e**2 + 1) / (2 * math.e) + (math.e**2 - 1) / (2 * math.e) * products  # of exp(2 x y / rho)
    expected = 2 * torch.exp(-(squares[:, None] + squares) / 2) * linear - 1
    torch.testing.assert_close(p @ q.T, expected)
    exact = 2 * torch.exp(-torch.cdist(x, x).square() / 2) - 1
    assert np.corrcoef((p @ q.T).flatten(), exact.flatten())[0, 1] > 0.9


def test_sgh_bits_fit_the_similarity_better_than_random_ones(digits_pixels: Pixels) -> None:
    x = digits_pixels[0][:500]
    method = fitted("sgh", x, bases=100)
    ours, random = (np.where(bits, 1.0, -1.0) for bits in (method.encode(x), fitted("lsh", x).encode(x)))
    scaled = (x - state(method)["mean_"]) / state(method)["scale_"]
    squares = (scaled**2).sum(1)
    similarity = 2 * np.exp(-(squares[:, None] + squares - 2 * scaled @ scaled.T) / 2) - 1
    losses = [((BITS * similarity - codes @ codes.T) ** 2).mean() for codes in (ours, random)]
    assert losses[0] < 0.9 * losses[1]


def test_kmhs_objective_falls_to_that_of_a_plain_reference(digits_pixels: Pixels) -> None:
    """One subspace, optimised by loops over pairs and scipy's quasi-Newton method, as in the paper."""
    x = digits_pixels[0][:200]
    x = principal_axes(torch.from_numpy(x), 4).project(torch.from_numpy(x)).numpy().astype(np.float32)
    values = objectives(fitted("kmh", x, bits=2, subspace_bits=2, iterations=12))
    assert values[-1] < 0.98 * values[0]
    np.testing.assert_allclose(values[-1], plain_kmh(x.astype(np.float64), 2, 12), rtol=0.005)


def plain_kmh(x: npt.NDArray[np.float64], bits: int, iterations: int) -> float:
    """E after all iterations, by the paper's equations, affinity 10; x [n, d] on its principal axes."""
    from scipy.optimize import minimize

    words = range(1 << bits)
    half_edge = np.abs(x[:, :bits]).mean()
    codewords = np.zeros((len(words), x.shape[1]))
    for word in words:
        codewords[word, :bits] = [half_edge if word >> bit & 1 else -half_edge for bit in range(bits)]
    wanted = np.array([[2 * half_edge * math.sqrt((i ^ j).bit_count()) for j in words] for i in words])

    def energy(present: npt.NDArray[np.float64]) -> float:
        misfit = sum(
            shares[i] * shares[j] * (np.linalg.norm(present[i] - present[j]) - wanted[i, j]) ** 2
            for i in words
            for j in words
        )
        return float(((x - present[nearest]) ** 2).sum(1).mean() + 10 * misfit)

    def moved(present: npt.NDArray[np.float64], word: int) -> float:
        return energy(np.concatenate([codewords[:word], present[None], codewords[word + 1 :]]))

    for _ in range(iterations):
        nearest = ((x[:, None] - codewords) ** 2).sum(2).argmin(1)
        shares = np.bincount(nearest, minlength=len(words)) / len(x)
        for word in words:
            codewords[word] = minimize(moved, codewords[word], args=(word,)).x
    return energy(codewords)


def test_kmhs_energy_never_rises_while_assignments_stay(generator: torch.Generator) -> None:
    module = module_of("kmh")
    x = torch.randn(300, 4, generator=generator, dtype=torch.float64)
    codewords = torch.randn(8, 4, generator=generator, dtype=torch.float64)
    patterns = module.index_bits(torch.arange(8), 3)
    wanted = 1.3 * (patterns[:, None] != patterns).sum(2).double().sqrt()
    nearest = torch.cdist(x, codewords).argmin(1)
    member = torch.nn.functional.one_hot(nearest, 8).double()
    shares, means = member.mean(0), member.T @ x / 300
    before = module.energy(x, codewords, nearest, shares, wanted, 10.0)
    for word in [*range(8)] * 5:
        codewords[word] = module.renewed(word, codewords, means[word], shares, wanted[word], 10.0)
        after = module.energy(x, codewords, nearest, shares, wanted, 10.0)
        assert after <= before + 1e-12
        before = after


def test_kmh_deals_variance_out_evenly() -> None:
    parts = module_of("kmh").balanced_parts(torch.tensor([8.0, 4, 2, 1, 0.5, 0.25, 0.125, 0]), 2)
    assert sorted(len(part) for part in parts) == [4, 4]
    assert sorted(torch.cat(parts).tolist()) == list(range(8))
    assert {0, 1} not in [set(part[:2].tolist()) for part in parts]


def test_kmhs_affinity_makes_hamming_distances_fit(digits_pixels: Pixels) -> None:
    x = digits_pixels[0]
    fits = []
    for affinity in (0.0, 10.0):
        codes = fitted("kmh", x, affinity=affinity, iterations=15).encode(x[:300])
        hamming = (codes[:, None] != codes).sum(2)
        euclidean = np.linalg.norm(x[:300, None] - x[:300], axis=2)
        fits.append(np.corrcoef(np.sqrt(hamming).flatten(), euclidean.flatten())[0, 1])
    assert fits[1] > fits[0]


@pytest.mark.parametrize("embedding", ["tsne", "eigenmaps"])
def test_imh_embeds_neighbours_together(embedding: str, digits_pixels: Pixels) -> None:
    x = digits_pixels[0]
    method = fitted("imh", x, base=100, embedding=embedding)
    codes = method.encode(x)
    base, embedded = state(method)["base_"], state(method)["embedded_"]
    apart = np.linalg.norm(base[:, None] - base, axis=2)
    apart_embedded = np.linalg.norm(embedded[:, None] - embedded, axis=2)
    nearest = np.argsort(apart, axis=1)[:, 1]
    assert apart_embedded[np.arange(100), nearest].mean() < 0.6 * apart_embedded.mean()
    rows, bandwidth = x[:50] - state(method)["mean_"], float(state(method)["bandwidth_"])
    extended = np.empty((50, BITS))
    for row, item in enumerate(rows):
        squares = ((base - item) ** 2).sum(1)
        near = np.argsort(squares)[:5]
        weights = np.exp(-squares[near] / bandwidth**2)
        extended[row] = weights @ embedded[near] / weights.sum()
    assert np.array_equal(codes[:50], extended >= 0)
    np.testing.assert_allclose(codes.mean(), 0.5, atol=0.15)


def test_tsnes_similarities_have_the_perplexity_asked_for(generator: torch.Generator) -> None:
    x = torch.randn(15, 6, generator=generator, dtype=torch.float64)
    wanted = joint_similarities(x, 6.0)
    torch.testing.assert_close(wanted, wanted.T)
    assert float(wanted.sum()) == pytest.approx(1)
    assert not wanted.diagonal().any()
    distances = torch.cdist(x, x).square().fill_diagonal_(math.inf)
    conditional = []
    for row in distances:  # the width by a fine search, one row at a time
        widths = [torch.softmax(-row * precision, 0) for precision in np.geomspace(0.01, 10, 1_000)]
        conditional.append(min(widths, key=lambda p: abs(float(torch.special.entr(p).sum()) - math.log(6))))
    rows = torch.stack(conditional)
    torch.testing.assert_close(wanted, (rows + rows.T) / 30, rtol=0.03, atol=1e-9)


def test_tsnes_gradient_is_that_of_its_divergence_with_one_degree_of_freedom(generator: torch.Generator) -> None:
    wanted = joint_similarities(torch.randn(20, 6, generator=generator, dtype=torch.float64), 5.0)
    y = torch.randn(20, 16, generator=generator, dtype=torch.float64, requires_grad=True)
    squares = (y[:, None] - y).square().sum(2)
    similar = (1 / (1 + squares)) * (1 - torch.eye(20))
    divergence = torch.xlogy(wanted, wanted).sum() - torch.xlogy(wanted, similar / similar.sum() + torch.eye(20)).sum()
    torch.testing.assert_close(gradient(y.detach(), wanted), torch.autograd.grad(divergence, y)[0])


ABOVE_RANDOM = (
    "agh",
    "cbe",
    "dsh",
    "imh",
    "isohash",
    "itq",
    "kmh",
    "lsh",
    "pca_rr",
    "pcah",
    "sgh",
    "sklsh",
    "spectral",
)
DRAWS = {"sklsh": 8}  # the mean of these many; others have a single one
FASTER: dict[str, Any] = {"imh": {"base": 150}, "kmh": {"iterations": 10}, "sgh": {"bases": 150}}


@pytest.mark.parametrize("name", [*ABOVE_RANDOM, "spherical"])
def test_codes_find_digits_far_better_than_random_codes(name: str, digits_pixels: Pixels) -> None:
    """map@1000 at 32 bits, by 20 standard errors of the difference over queries."""
    train, query = digits_pixels
    digits = open_dataset("digits", Path())
    split, labels = digits.split(), digits.labels()
    items = split.train, split.query
    random = np.random.default_rng(0)
    drawn = [random.random((len(part), 32)) < 0.5 for part in (query, train)]
    floor = evaluate(drawn[0], drawn[1], labels[items[1]], labels[items[0]])
    found = np.zeros(len(query))
    for seed in range(DRAWS.get(name, 1)):
        method = hb.hasher(name, bits=32, seed=seed, device="cpu", **FASTER.get(name, {})).fit(train)
        scores = evaluate(method.encode(query), method.encode(train), labels[items[1]], labels[items[0]])
        found += scores.average_precision / DRAWS.get(name, 1)
    gain = found - floor.average_precision
    assert gain.mean() > 20 * gain.std(ddof=1) / len(gain) ** 0.5
