"""Histograms, top-k and metrics: the same as on the CPU, bit for bit; then how long they take."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch

import hashbench as hb
from hashbench.codes import Codes
from hashbench.evaluation.evaluate import evaluate_features
from hashbench.evaluation.histograms import Histograms, distance_histograms
from hashbench.search.dispatch import backend_for
from hashbench.search.index import HammingIndex
from hashbench.search.matmul import MatmulBackend
from tests.gpu.report import Line
from tests.gpu.setting import Setting

BITS = (16, 32, 64, 128, 300)
GOALS_MS = {"histograms": 20, "top-1000": 50}
POPCOUNTS_PER_CLOCK = 16  # of 32-bit words, by each multiprocessor
CLOCK = 1.98e9


def _codes(rows: int, bits: int, seed: int) -> Codes:
    packed = np.random.default_rng(seed).integers(0, 256, (rows, -(-bits // 8)), dtype=np.uint8)
    packed[:, -1] &= 256 - (1 << -bits % 8)
    return Codes(packed, bits)


def _labels(rows: int, kind: str, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 10, rows) if kind == "classes" else rng.random((rows, 21)) < 0.1


def backends(setting: Setting) -> Iterator[Line]:
    """Which backend serves the device; without a GPU, the kernels in Triton's interpreter."""
    if setting.on_gpu:
        for operation in ("histograms", "graded_histograms", "topk"):
            name = type(backend_for(setting.device, operation)).__name__
            yield Line(operation, name, good=name == "TritonBackend")
        return
    for kernel in ("count_distances", "count_long_distances", "collect_nearest"):
        command = [sys.executable, "-m", "tests.search.triton_cases", kernel, "3", "7"]
        environment = {**os.environ, "TRITON_INTERPRET": "1"}
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        yield Line(
            f"{kernel} in Triton's interpreter", ran.stdout.strip(), good=ran.returncode == 0, note=ran.stderr[-200:]
        )


def same_histograms(setting: Setting) -> Iterator[Line]:
    """Of classes and of sets of labels, with their gains."""
    sizes = setting.size(1_000, 9), setting.size(100_003, 2_051)
    for bits in BITS:
        codes = _codes(sizes[0], bits, 0), _codes(sizes[1], bits, 1)
        for kind in ("classes", "sets"):
            labels = _labels(sizes[0], kind, 2), _labels(sizes[1], kind, 3)
            ours, cpu = (distance_histograms(*codes, *labels, device=where) for where in (setting.device, "cpu"))
            yield Line(f"{bits} bits, {kind}", "the CPU's" if _equal(ours, cpu) else "others", good=_equal(ours, cpu))


def _equal(ours: Histograms, cpu: Histograms) -> bool:
    pairs: list[tuple[Any, Any]] = [(ours.items, cpu.items), (ours.relevant, cpu.relevant)]
    if ours.gains is not None and cpu.gains is not None:
        pairs += [
            (getattr(ours.gains, field.name), getattr(cpu.gains, field.name)) for field in dataclasses.fields(cpu.gains)
        ]
    return all(np.array_equal(one, other) for one, other in pairs)


def same_nearest(setting: Setting) -> Iterator[Line]:
    """Top-k of several k, for one query and many."""
    items = setting.size(100_003, 2_051)
    for bits in BITS:
        database = _codes(items, bits, 1)
        ours, cpu = HammingIndex(database, setting.device), HammingIndex(database, "cpu")
        for queries, k in ((1, 10), (setting.size(500, 5), 1), (setting.size(500, 5), min(items, 10_000))):
            codes = _codes(queries, bits, 0)
            found, wanted = ours.search(codes, k), cpu.search(codes, k)
            same = np.array_equal(found[0], wanted[0]) and np.array_equal(found[1], wanted[1])
            yield Line(f"{bits} bits, {queries} queries, k = {k}", "the CPU's" if same else "others", good=same)


def same_metrics(setting: Setting) -> Iterator[Line]:
    """Every metric of a record."""
    for kind in ("classes", "sets"):
        codes = _codes(setting.size(1_000, 20), 64, 0), _codes(setting.size(50_000, 500), 64, 1)
        labels = _labels(len(codes[0]), kind, 2), _labels(len(codes[1]), kind, 3)
        ours, cpu = (repr(hb.evaluate(*codes, *labels, device=where)) for where in (setting.device, "cpu"))
        yield Line(f"of {kind}", "the CPU's" if ours == cpu else "others", good=ours == cpu)
    yield _of_features(setting)


def _of_features(setting: Setting) -> Line:
    """Whole numbers, whose distances are exact; a GPU ranks the second block while metrics of the first are computed.

    Means over queries may differ in their last digits, as the CPU's blocks are smaller.
    """
    sizes = setting.size(700, 20), setting.size(50_000, 500)
    query, database = (np.random.default_rng(rows).integers(-8, 9, (rows, 16)).astype(np.float32) for rows in sizes)
    labels = _labels(sizes[0], "classes", 2), _labels(sizes[1], "classes", 3)
    ours, cpu = (
        evaluate_features(query, database, *labels, device=where, distance="l2").average_precision
        for where in (setting.device, "cpu")
    )
    same = np.array_equal(ours, cpu, equal_nan=True)
    return Line("average precision of each query by features", "the CPU's" if same else "others", good=same)


def histogram_figures(setting: Setting) -> Iterator[Line]:
    """10,000 queries against 1,000,000 items, with ten classes: from codes on the host to tables on the host."""
    queries, items = setting.size(10_000, 16), setting.size(1_000_000, 3_000)
    labels = _labels(queries, "classes", 2), _labels(items, "classes", 3)
    for bits in (64, 16, 32, 128):
        codes = _codes(queries, bits, 0), _codes(items, bits, 1)
        name = f"{queries:,} x {items:,} x {bits} bits"
        if setting.on_gpu:
            yield from _kernel_figure(setting, name, codes, labels)
        served = partial(backend_for(setting.device, "histograms").histograms, *codes, labels)
        yield Line(f"{name}, with transfers", setting.seconds(served, 3) * 1e3, "ms")
        if bits == 64 and setting.on_gpu:
            products = partial(MatmulBackend(setting.device).histograms, *codes, labels)
            yield Line(f"{name}, by torch's products", setting.seconds(products, 1) * 1e3, "ms")


def _kernel_figure(setting: Setting, name: str, codes: tuple[Codes, Codes], labels: Any) -> Iterator[Line]:
    from tests.gpu.kernels import histogram_seconds  # which needs Triton

    seconds, bits = histogram_seconds(setting, codes, labels), codes[0].bits
    goal = None if bits != 64 else seconds * 1e3 <= GOALS_MS["histograms"]
    yield Line(name, seconds * 1e3, "ms", goal, f"goal {GOALS_MS['histograms']} ms" if bits == 64 else "")
    processors = torch.cuda.get_device_properties(setting.device).multi_processor_count
    bound = len(codes[0]) * len(codes[1]) * max(bits / 32, 1) / (processors * POPCOUNTS_PER_CLOCK * CLOCK)
    yield Line(f"{name}, popcounts of all pairs alone would take", bound * 1e3, "ms", note=f"at {CLOCK / 1e9:.2f} GHz")


def nearest_figures(setting: Setting) -> Iterator[Line]:
    """The 1,000 nearest of 1,000,000 items for 10,000 queries together, and for one."""
    items, k = setting.size(1_000_000, 3_000), setting.size(1_000, 10)
    for bits in (64, 16, 32, 128):
        index = backend_for(setting.device, "topk").index(_codes(items, bits, 1))
        for queries in (setting.size(10_000, 8), 1):
            codes = _codes(queries, bits, 0)
            name = f"top-{k} of {queries:,} x {items:,} x {bits} bits"
            if setting.on_gpu:
                from tests.gpu.kernels import nearest_seconds  # which needs Triton

                seconds = nearest_seconds(setting, index, codes, k)
                wanted = bits == 64 and queries > 1
                goal = seconds * 1e3 <= GOALS_MS["top-1000"] if wanted else None
                yield Line(name, seconds * 1e3, "ms", goal, f"goal {GOALS_MS['top-1000']} ms" if wanted else "")
            whole = setting.seconds(partial(index.topk, codes, k), 3)
            yield Line(f"{name}, with transfers", whole * 1e3, "ms")
