"""A run on a million vectors: ``python -m tests.benchmarks.million_rows [ROWS [DIMENSIONS [QUERIES]]]``.

Prints, for 1,000,000 x 256 by default, the minutes of each phase and the largest anonymous memory of the process in it
(read every 20 ms; pages of mapped files do not count), then the leaderboard's lines. The vectors are generated into a
temporary folder and memory-mapped: 1,000 clusters whose variances fall as 1 / rank, turned by a random reflection. The
run is that of ``hashbench run --methods sign,rotated_sign,itq --bits 128,256 --datasets embeddings:x.npy --queries 1000
--executor inline``, with a cache of its own. With a third number there are as many queries, and only their ground
truth is made. TMPDIR names a disk with room for three times the vectors.
"""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from hashbench.execution.events import Event
from hashbench.execution.executors import executor
from hashbench.execution.ground_truth import ground_truth
from hashbench.execution.run import carry_out, grid_results, make_settings, plan_grids
from hashbench.execution.training_data import TrainingData
from hashbench.planning.grid import Grid
from hashbench.util.device import pick_device
from hashbench.util.progress import log_to_stderr
from tests.benchmarks.shallow_memory import anonymous_memory

METHODS, BITS, QUERIES = ("sign", "rotated_sign", "itq"), (128, 256), 1_000
CLUSTERS, BLOCK = 1_000, 8_192
REPORT = "report"


class Phases:
    """Seconds and the largest anonymous memory of each phase, in the order in which they first began."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.peak: dict[str, int] = {}
        self.name, self._since = "", time.perf_counter()

    def begin(self, name: str) -> None:
        """The phase of this name begins, and the one before ends."""
        now = time.perf_counter()
        self.seconds[self.name] = self.seconds.get(self.name, 0.0) + now - self._since
        self.name, self._since = name, now

    def on_event(self, event: Event) -> None:
        """A phase of a trial, or the end of one, behind the last of which reports are written."""
        if event.kind in ("started", "phase"):
            self.begin(event.text or "load")
        elif event.kind == "finished":
            self.begin(REPORT)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Inside, memory is read."""
        stop = threading.Event()

        def watch() -> None:
            while not stop.wait(0.02):
                self.peak[self.name] = max(self.peak.get(self.name, 0), anonymous_memory())

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            stop.set()
            watcher.join()
            self.begin("")

    def table(self) -> Iterator[str]:
        """Lines of Markdown."""
        named = {name: seconds for name, seconds in self.seconds.items() if name}
        total = sum(named.values())
        yield "| phase | minutes | share | peak anonymous GiB |\n| --- | ---: | ---: | ---: |"
        for name, seconds in named.items():
            yield f"| {name} | {seconds / 60:.2f} | {seconds / total:.0%} | {self.peak.get(name, 0) / 2**30:.2f} |"
        yield f"| all | {total / 60:.2f} | 100% | {max(self.peak.values()) / 2**30:.2f} |"


def write_vectors(file: Path, rows: int, dimensions: int) -> None:
    """Clustered float32 [rows, dimensions]; a block at a time is in memory."""
    generator = np.random.default_rng(0)
    scale = 1 / np.sqrt(np.arange(1, dimensions + 1, dtype=np.float32))
    mirror = generator.normal(size=(dimensions, 1)).astype(np.float32)
    mirror /= np.linalg.norm(mirror)
    centres = generator.standard_normal((CLUSTERS, dimensions), dtype=np.float32) * scale
    vectors = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=(rows, dimensions))
    for start in range(0, rows, BLOCK):
        size = min(BLOCK, rows - start)
        own = generator.standard_normal((size, dimensions), dtype=np.float32) * scale
        block = centres[generator.integers(0, CLUSTERS, size)] + 0.7 * own
        vectors[start : start + size] = block - 2 * (block @ mirror) @ mirror.T
    vectors.flush()


def ground_truth_alone(rows: int, dimensions: int, queries: int) -> None:
    """Write the vectors, search for the nearest of the queries, print the phases."""
    with tempfile.TemporaryDirectory() as name:
        folder, phases = Path(name), Phases()
        write_vectors(folder / "x.npy", rows, dimensions)
        settings = make_settings(folder / "results", None, device="cpu")
        grid = Grid(("lsh",), (16,), (f"embeddings:{folder / 'x.npy'}",), queries=str(queries))
        with phases.watched():
            phases.begin("plan: card and survey")
            (dataset,) = plan_grids([grid], settings).datasets.values()
            vectors, distance = dataset.vectors(), dataset.distance
            assert vectors is not None
            assert distance is not None
            inputs = TrainingData(dataset, vectors, dataset.labels())
            phases.begin("ground truth")
            where = folder / "cache", pick_device("cpu"), log_to_stderr
            found = ground_truth(inputs, dataset.content(), dataset.split(), distance, *where)
    print(f"{rows:,} x {dimensions:,}, {len(found):,} queries\n", *phases.table(), sep="\n")


def main(rows: int, dimensions: int) -> None:
    """Write the vectors, run the grid, print the phases and what came out."""
    with tempfile.TemporaryDirectory() as name:
        folder, phases = Path(name), Phases()
        os.environ["HASHBENCH_CACHE"] = str(folder / "cache")
        write_vectors(folder / "x.npy", rows, dimensions)
        settings = make_settings(folder / "results", None, device="cpu")
        grid = Grid(METHODS, BITS, (f"embeddings:{folder / 'x.npy'}",), queries=str(QUERIES))
        with phases.watched():
            phases.begin("plan: card and survey")
            plan = plan_grids([grid], settings)
            phases.begin("ground truth")
            carry_out(plan, settings, executor("inline", settings), phases.on_event)
        records = grid_results(plan, settings).records
    print(f"{rows:,} x {dimensions:,}, {QUERIES:,} queries\n", *phases.table(), "", sep="\n")
    for record in sorted(records, key=lambda record: (record["trial"]["bits"] or 0, record["trial"]["method"])):
        trial, metrics = record["trial"], record["metrics"]
        kept = f"{metrics['neighbours/recall@10']:.3f}" if metrics else record["error"]["message"]
        print(f"{trial['method']} {trial['bits'] or 'float'}: {record['status']}, {kept}")


if __name__ == "__main__":
    given = [int(number) for number in sys.argv[1:]]
    if len(given) == 3:
        ground_truth_alone(*given)
    else:
        main(*(given + [1_000_000, 256][len(given) :]))
