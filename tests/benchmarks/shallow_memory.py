"""Memory and time of every shallow method: ``python -m tests.benchmarks.shallow_memory 59000x1280 [METHOD ...]``.

Prints a row of docs/methods.md for each method. Each trains alone, in a process of its own on one thread, on generated
features: Gaussian, with variances that fall as 1 / rank, turned by a random reflection. Memory is the largest anonymous
memory of the process less that before training, read every 20 ms, and does not count the features themselves (float32,
shared between the processes); time is that of the processor, so a busy machine does not count either.
"""

import mmap
import os
import resource
import sys
import threading
from pathlib import Path

import numpy as np
import torch

from hashbench.errors import Incompatible
from hashbench.method import RunContext, TrainingSet
from hashbench.plugins.registry import METHODS

BITS = 64
BLOCK = 4_096
SHALLOW = (
    *("lsh", "sklsh", "pcah", "pca_rr", "itq", "isohash", "spectral", "spherical", "dsh", "agh", "sgh", "kmh", "imh"),
    "cbe",
)


def features(rows: int, columns: int) -> torch.Tensor:
    """Float32 [rows, columns] in memory that child processes share."""
    shared = np.frombuffer(mmap.mmap(-1, rows * columns * 4), dtype=np.float32).reshape(rows, columns)
    generator = np.random.default_rng(0)
    scale = 1 / np.sqrt(np.arange(1, columns + 1, dtype=np.float32))
    mirror = generator.normal(size=(columns, 1)).astype(np.float32)
    mirror /= np.linalg.norm(mirror)
    for start in range(0, rows, BLOCK):
        block = generator.standard_normal((min(BLOCK, rows - start), columns), dtype=np.float32) * scale
        shared[start : start + len(block)] = block - 2 * (block @ mirror) @ mirror.T + 1
    return torch.from_numpy(shared)


def anonymous_memory() -> int:
    """Of this process, in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) * 1024


def measured(name: str, x: torch.Tensor) -> str:
    """A row of the table; runs in a child process."""
    method, stop, before = METHODS.get(name)(BITS), threading.Event(), anonymous_memory()
    most = before

    def watch() -> None:
        nonlocal most
        while not stop.wait(0.02):
            most = max(most, anonymous_memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = resource.getrusage(resource.RUSAGE_SELF)
    try:
        method.fit(TrainingSet(x), RunContext(torch.device("cpu"), torch.Generator().manual_seed(0)))
        end = resource.getrusage(resource.RUSAGE_SELF)
    except Incompatible as reason:
        return f"| {name} | {len(x):,} x {x.shape[1]:,} | {reason} | |"
    finally:
        stop.set()
        watcher.join()
    seconds = end.ru_utime - start.ru_utime + end.ru_stime - start.ru_stime
    return f"| {name} | {len(x):,} x {x.shape[1]:,} | {(most - before) / 2**30:.2f} | {seconds:.1f} |"


def main(size: str, names: tuple[str, ...]) -> None:
    """Measure each method in a child process."""
    torch.set_num_threads(1)
    rows, columns = (int(number) for number in size.split("x"))
    x = features(rows, columns)
    for name in names:
        child = os.fork()
        if child == 0:
            print(measured(name, x), flush=True)
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            raise SystemExit(f"{name}: its process failed")


if __name__ == "__main__":
    main(sys.argv[1], tuple(sys.argv[2:]) or SHALLOW)
