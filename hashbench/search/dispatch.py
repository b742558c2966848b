"""Chooses the backend for a device: numba's kernels on a CPU, Triton's on a GPU, torch's products where these fail."""

from functools import cache
from importlib import import_module
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from hashbench.codes import Codes
from hashbench.search import numba_cache
from hashbench.search.backend import Backend
from hashbench.search.layout import TILE_ITEMS
from hashbench.search.matmul import MatmulBackend

Operation = Literal["histograms", "graded_histograms", "topk", "pair_counts"]


def backend_for(device: torch.device, operation: Operation) -> Backend:
    """The backend that performs an operation on a device.

    On a CPU that is numba's kernels, on an NVIDIA GPU Triton's. Before its first use an operation runs on a small
    case: where it cannot be compiled, or its integers are not those of torch on the CPU, torch performs it, and a
    warning is printed to standard error.
    """
    compiled: Backend | None = None
    if device.type == "cpu":
        compiled = _bit_sliced_backend(operation)
    elif device.type == "cuda" and operation != "pair_counts":  # which torch performs, on the CPU
        compiled = _triton_backend(device, operation)
    return compiled or MatmulBackend(device)


@cache
def _bit_sliced_backend(operation: Operation) -> Backend | None:
    """The compiled kernels, or None where they fail; imported here, since they need numba."""
    try:
        if numba_cache.problem():
            raise RuntimeError(numba_cache.problem())
        backend: Backend = import_module("hashbench.search.bit_sliced").BitSlicedBackend()
        _check(backend, operation)
    except Exception as error:  # whatever a missing, broken or changed numba raises
        numba_cache.log_failure(numba_cache.first_line(error), "Hamming distances are counted by torch")
        return None
    if not numba_cache.is_tested():
        numba_cache.log_once(
            f"{numba_cache.name()} is untested: each of its kernels is checked against torch on a small case before it "
            "is used"
        )
    return backend


@cache
def _triton_backend(device: torch.device, operation: Operation) -> Backend | None:
    """The kernels on a GPU, or None where they fail; imported here, since they need Triton and are compiled for it."""
    try:
        backend: Backend = import_module("hashbench.search.triton_backend").TritonBackend(device)
        _check(backend, operation)
    except Exception as error:  # whatever a missing, broken or changed Triton, or a driver, raises
        numba_cache.log_once(
            f"triton does not work here ({numba_cache.first_line(error)}): Hamming distances are counted by torch on "
            f"{device}, which takes longer"
        )
        return None
    return backend


def _check(backend: Backend, operation: Operation) -> None:
    """Compare a backend with torch on a small case.

    Raises:
        RuntimeError: their integers differ.
    """
    results = _small_case(backend, operation), _small_case(MatmulBackend(torch.device("cpu")), operation)
    if not all(np.array_equal(*pair) for pair in zip(*results, strict=True)):
        raise RuntimeError(f"its {operation} are not those of torch")


def _small_case(backend: Backend, operation: Operation) -> tuple[npt.NDArray[Any], ...]:
    """The result of an operation on codes that end within a tile, whose items have several labels, or a class each."""
    rng = np.random.default_rng(0)
    queries, items = 3, 2 * TILE_ITEMS + 70
    codes = Codes.pack(rng.random((queries, 72)) < 0.4), Codes.pack(rng.random((items, 72)) < 0.4)
    multi_hot = rng.random((queries, 5)) < 0.5, rng.random((items, 5)) < 0.2
    if operation == "graded_histograms":
        *counts, gains = backend.graded_histograms(*codes, multi_hot)
        return (*counts, gains.shared, gains.exponential, gains.at_least)
    if operation == "histograms":
        classes = rng.integers(0, 300, queries), rng.integers(0, 300, items)
        return (*backend.histograms(*codes, multi_hot), *backend.histograms(*codes, classes))
    if operation == "topk":
        return backend.index(codes[1]).topk(codes[0], k=100)
    return (backend.pair_counts(codes[1]),)
