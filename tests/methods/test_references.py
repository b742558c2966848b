"""Whole trainings against the papers' equations in plain numpy: every pair, every matrix, no short cuts, same draws."""

import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.linalg
import torch

from hashbench.method import HashMethod, RunContext, TrainingSet
from hashbench.plugins.registry import METHODS
from tests.methods.plain import assert_same_bits, draws, pair_distances, signs

Array = npt.NDArray[np.float64]
SEED = 3


@pytest.fixture(scope="module")
def x() -> npt.NDArray[np.float32]:
    """Float32 [400, 12]: correlated, of a steep spectrum, away from the origin."""
    rng = np.random.default_rng(5)
    spread = rng.normal(size=(400, 12)) * np.arange(1, 13) ** -0.7
    turned = spread @ np.linalg.qr(rng.normal(size=(12, 12)))[0] + 2
    result: npt.NDArray[np.float32] = turned.astype(np.float32)
    return result


def trained(name: str, x: npt.NDArray[np.float32], bits: int, **parameters: Any) -> tuple[HashMethod, RunContext]:
    run = RunContext(torch.device("cpu"), torch.Generator().manual_seed(SEED))
    return METHODS.get(name)(bits, **parameters).fit(TrainingSet(torch.from_numpy(x)), run), run


def state(method: HashMethod) -> dict[str, Array]:
    return {name: value.double().numpy() for name, value in method.state().items()}


def test_spherical_moves_its_centres_as_the_paper_does(x: npt.NDArray[np.float32]) -> None:
    bits, generator = 10, draws(SEED)
    method, run = trained("spherical", x, bits)
    rows = (x.astype(float) - x.astype(float).mean(0))[generator.rows(len(x), len(x))]
    centres = rows[generator.integers(len(x), (bits, 5))].mean(1)
    quarter, measured = len(x) / 4, 0
    for _ in range(100):
        measured += 1
        distances = pair_distances(rows, centres)
        inside = distances <= np.sort(distances, axis=0)[(len(x) - 1) // 2]
        shared = np.array([[(inside[:, i] & inside[:, j]).sum() for j in range(bits)] for i in range(bits)])
        off = shared[np.triu_indices(bits, 1)] - quarter
        if np.abs(off).mean() <= 0.1 * quarter and off.std() <= 0.15 * quarter:
            break
        forces = np.zeros_like(centres)
        for i in range(bits):
            for j in set(range(bits)) - {i}:
                forces[i] += (shared[i, j] - quarter) / quarter / 2 * (centres[i] - centres[j])
        centres = centres + forces / bits
    assert 3 < measured == len(run.epochs)
    radii = np.sort(distances, axis=0)[(len(x) - 1) // 2]
    other = x * np.float32(1.01)  # training items lie on the spheres
    assert_same_bits(method, other, pair_distances(other - x.astype(float).mean(0), centres) <= radii)


def test_aghs_thresholds_are_those_of_the_whole_laplacian(x: npt.NDArray[np.float32]) -> None:
    """Minimised is t^T (I - A) t under 1^T t = 0, A [n, n] written out, by its two thresholds and a multiplier."""
    method, _ = trained("agh", x, 8, layers=2, anchors=30, nearest=3)
    learnt = state(method)
    squares = pair_distances(x - learnt["mean_"], learnt["anchors_"]) ** 2
    z = np.where(squares <= np.sort(squares, axis=1)[:, 2:3], np.exp(-squares / learnt["bandwidth_"] ** 2), 0)
    z /= z.sum(1, keepdims=True)
    laplacian = np.eye(len(x)) - z @ np.diag(1 / z.sum(0)) @ z.T
    for bit, y in enumerate((z @ learnt["weights_"]).T):
        sides = np.stack([-(y >= 0).astype(float), (y < 0).astype(float)], 1)
        balance = sides.sum(0)[:, None]
        system = np.block([[2 * sides.T @ laplacian @ sides, balance], [balance.T, np.zeros((1, 1))]])
        target = np.append(-2 * sides.T @ laplacian @ np.abs(y), -np.abs(y).sum())
        np.testing.assert_allclose(learnt["thresholds_"][:, bit], np.linalg.solve(system, target)[:2], atol=1e-9)


def test_sgh_solves_for_one_bit_after_the_other_with_the_similarity_of_all_pairs(x: npt.NDArray[np.float32]) -> None:
    bits, bases, generator = 6, 40, draws(SEED)
    method, _ = trained("sgh", x, bits, bases=bases)
    rows = x - x.astype(float).mean(0)
    rows /= np.linalg.norm(rows, axis=1).mean()
    squares = pair_distances(rows, rows[generator.rows(len(x), bases)]) ** 2
    kernel = np.exp(-squares / (2 * squares.mean()))
    kernel -= kernel.mean(0)
    gram = kernel.T @ kernel + 1e-6 * np.eye(bases)
    decay = np.exp(-(rows**2).sum(1) / 2)
    line = (np.e**2 - 1) / (2 * np.e) * (rows @ rows.T) + (np.e**2 + 1) / (2 * np.e)  # of exp(x^T y), rho = 2
    residual = bits * (2 * decay[:, None] * decay * line - 1)
    codes = np.zeros((len(x), bits))
    for bit in [*range(bits), *generator.order(bits)]:
        residual += np.outer(codes[:, bit], codes[:, bit])
        direction = scipy.linalg.eigh(kernel.T @ residual @ kernel, gram)[1][:, -1]
        direction *= np.sign(direction[np.abs(direction).argmax()])
        codes[:, bit] = signs(kernel @ direction)
        residual -= np.outer(codes[:, bit], codes[:, bit])
    assert_same_bits(method, x, codes > 0)


def test_dsh_takes_the_planes_of_largest_entropy_of_all_adjacent_groups(x: npt.NDArray[np.float32]) -> None:
    bits, generator = 8, draws(SEED)
    method, _ = trained("dsh", x, bits)
    rows = x - x.astype(float).mean(0)
    centres = rows[generator.rows(len(x), 12)]
    for _ in range(3):
        group = pair_distances(rows, centres).argmin(1)
        centres = np.stack([rows[group == g].mean(0) for g in range(12)])
    near = [set(np.argsort(distances)[1:4]) for distances in pair_distances(centres, centres)]
    planes = {}
    for i in range(12):
        for j in range(i + 1, 12):
            if i in near[j] or j in near[i]:
                normal = centres[i] - centres[j]
                above = centres @ normal >= normal @ (centres[i] + centres[j]) / 2
                share = np.isin(group, np.flatnonzero(above)).mean()
                planes[i, j] = -sum(p * np.log(p) for p in (share, 1 - share) if p > 0)
    learnt, chosen = state(method), []
    for normal, threshold in zip(learnt["directions_"].T, learnt["thresholds_"], strict=True):
        (pair,) = [(i, j) for i, j in planes if np.allclose(centres[i] - centres[j], normal, atol=1e-9)]
        assert threshold == pytest.approx(normal @ centres[list(pair)].mean(0))
        chosen.append(planes[pair])
    assert len(planes) > 2 * bits
    np.testing.assert_allclose(chosen, sorted(planes.values(), reverse=True)[:bits], atol=1e-12)


@pytest.mark.parametrize("dimension", [11, 12])
def test_cbe_alternates_between_bits_and_a_dense_circulant_matrix(x: npt.NDArray[np.float32], dimension: int) -> None:
    """Each coefficient by the roots of its polynomial's derivative; the objective by matrices."""
    bits, generator = 5, draws(SEED)
    x = x[:, :dimension]
    method, run = trained("cbe", x, bits, iterations=4)
    flips, r = generator.integers(2, (dimension,)) * 2.0 - 1, generator.normal(dimension)
    whole = (x - x.astype(float).mean(0)) * flips
    rows = whole / np.linalg.norm(whole, axis=1, keepdims=True)
    spectra = np.fft.fft(rows)
    r = np.fft.ifft(np.fft.fft(r) / np.abs(np.fft.fft(r))).real
    for logged in run.epochs:
        b = np.zeros_like(rows)
        b[:, :bits] = signs(rows @ scipy.linalg.circulant(r).T)[:, :bits] / dimension**0.5
        moments = (spectra.conj() * np.fft.fft(b)).mean(0) / dimension
        energies = (np.abs(spectra) ** 2).mean(0) / dimension
        moduli = [best_modulus(energy, abs(moment)) for energy, moment in zip(energies, moments, strict=True)]
        r = np.fft.ifft(moments / np.abs(moments) * moduli).real
        matrix = scipy.linalg.circulant(r)
        fit = ((b - rows @ matrix.T) ** 2).sum(1).mean()
        orthogonality = ((matrix @ matrix.T - np.eye(dimension)) ** 2).sum()
        assert logged["objective"] == pytest.approx(fit + orthogonality, rel=1e-9)
    assert_same_bits(method, x, (whole @ scipy.linalg.circulant(r).T)[:, :bits] >= 0)


def best_modulus(energy: float, moment: float) -> float:
    """The p that minimises energy p^2 - 2 moment p + (p^2 - 1)^2."""
    roots = np.roots([4, 0, 2 * energy - 4, -2 * moment])
    real = roots.real[np.abs(roots.imag) < 1e-9]
    return float(min(real[real >= 0], key=lambda p: energy * p**2 - 2 * moment * p + (p**2 - 1) ** 2))


def test_imhs_eigenmaps_solve_the_generalised_eigenproblem(x: npt.NDArray[np.float32]) -> None:
    """(D - W) y = lambda D y, its least lambdas but the first, W by loops over pairs."""
    base = torch.from_numpy(x[:80]).double()
    found = sys.modules[METHODS.get("imh").__module__].embedded_by_eigenmaps(base, 5, torch.Generator()).numpy()
    squares = pair_distances(base.numpy(), base.numpy()) ** 2
    near = np.argsort(squares, axis=1)[:, 1:21]
    width = np.mean([squares[i, near[i, -1]] for i in range(80)])
    graph = np.zeros((80, 80))
    for i in range(80):
        for j in near[i]:
            graph[i, j] = graph[j, i] = np.exp(-squares[i, j] / width)
    degrees = np.diag(graph.sum(1))
    expected = scipy.linalg.eigh(degrees - graph, degrees)[1][:, 1:6]
    np.testing.assert_allclose(np.abs(np.diag(found.T @ degrees @ expected)), 1, atol=1e-8)
