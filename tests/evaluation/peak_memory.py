"""How much memory an evaluation takes: torch's largest tensor and numpy's arrays, or the peak of a fresh process."""

import multiprocessing
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.overrides import TorchFunctionMode

from hashbench.codes import Codes
from hashbench.dataset import Split
from hashbench.evaluation.evaluate import evaluate, evaluate_features, evaluate_similarities
from hashbench.evaluation.neighbours import Neighbours
from hashbench.evaluation.similarities import FeatureSimilarities
from hashbench.execution.references import centred_features
from hashbench.execution.training_data import TrainingData

STATUS = Path("/proc/self/status")
QUERIES, ITEMS, BITS = 2100, 193_734, 64  # nuswide/tc21
TRAIN, DIMENSION = 10_500, 64
WARM_UP = slice(200)


class Peak(TorchFunctionMode):
    """Bytes, while it is entered.

    Attributes:
        tensor: of the largest tensor that a call to torch gave.
        arrays: of all numpy arrays at once.
    """

    tensor = 0
    arrays = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for value in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(value, torch.Tensor):
                self.tensor = max(self.tensor, value.untyped_storage().nbytes())
        return result


@contextmanager
def watched() -> Iterator[Peak]:
    """The peak of what runs within; read it afterwards."""
    tracemalloc.start()
    try:
        with Peak() as peak:
            yield peak
        peak.arrays = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def megabytes_of_codes(classes: int) -> float:
    """What scoring codes takes at the full size, run by :func:`in_fresh_process`."""
    rng = np.random.default_rng(0)
    query, database = (Codes(rng.integers(0, 256, (n, BITS // 8), dtype=np.uint8), BITS) for n in (QUERIES, ITEMS))
    labels = multi_hot(QUERIES, classes), multi_hot(ITEMS, classes)
    evaluate(query, database[WARM_UP], labels[0], labels[1][WARM_UP], cutoff=5000, device="cpu")
    return _above(lambda: evaluate(query, database, *labels, cutoff=5000, device="cpu"))


def megabytes_of_classes(classes: int) -> float:
    """What scoring codes of 200,000 items of a class each takes, run by :func:`in_fresh_process`."""
    rng = np.random.default_rng(0)
    query, database = (Codes(rng.integers(0, 256, (n, BITS // 8), dtype=np.uint8), BITS) for n in (1000, 200_000))
    labels = rng.integers(0, classes, 1000), rng.integers(0, classes, 200_000)
    evaluate(query, database[WARM_UP], labels[0] % 3, labels[1][WARM_UP] % 3, device="cpu")
    return _above(lambda: evaluate(query, database, *labels, device="cpu"))


def megabytes_of_features(file: Path) -> float:
    """What scoring the float16 features in ``file`` takes at the full size, the mapped file included."""
    features, labels = np.load(file, mmap_mode="r"), multi_hot(QUERIES + ITEMS, 81)
    order = np.random.default_rng(0).permutation(QUERIES + ITEMS)
    split = Split(order[-TRAIN:], order[:QUERIES], order[QUERIES:])
    hot = labels[split.query], labels[split.database]

    def score(split: Split, database_labels: npt.NDArray[np.bool_]) -> None:
        rows = centred_features(TrainingData(_NO_DATASET, features, labels), split, torch.device("cpu"))
        evaluate_features(*rows, hot[0], database_labels, cutoff=5000, device="cpu")

    score(Split(split.train[WARM_UP], split.query, split.database[WARM_UP]), hot[1][WARM_UP])
    return _above(lambda: score(split, hot[1]))


def megabytes_of_decoded(queries: int) -> float:
    """What ranking a million vectors takes that numpy decodes on each reading, 100 neighbours a query."""
    million, rng = 1_000_000, np.random.default_rng(0)
    codes, table = rng.integers(0, 5000, million), rng.standard_normal((5000, 256), np.float32)

    class Decoded:
        dimension = 256

        def __len__(self) -> int:
            return million

        def __getitem__(self, rows: slice) -> torch.Tensor:
            return torch.from_numpy(table[codes[rows]]) - torch.zeros(256)

    def score(queries: int) -> None:
        listed = 100 * queries
        lists = np.arange(queries + 1) * 100, np.arange(listed) % 100, np.zeros(listed, dtype=np.float32)
        ranking = FeatureSimilarities(table[:queries], Decoded(), "cpu", "l2")
        evaluate_similarities(ranking, None, None, neighbours=Neighbours(100, "l2", *lists))

    score(40)
    return _above(lambda: score(queries))


_NO_DATASET: Any = None  # features have been extracted


def in_fresh_process(measure: Callable[[Any], float], argument: int | Path) -> float:
    """Megabytes that ``measure`` returns."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, argument).result()


def multi_hot(rows: int, classes: int) -> npt.NDArray[np.bool_]:
    """2.4 labels per item on average, as NUS-WIDE has them; column by column, to leave no peak behind."""
    rng, hot = np.random.default_rng(1), np.zeros((rows, classes), dtype=np.bool_)
    for column in hot.T:
        column[:] = rng.random(rows) < 2.4 / classes
    return hot


def _above(call: Callable[[], object]) -> float:
    """Megabytes between what the process holds before the call and its highest peak."""
    before = _kilobytes("VmRSS")
    call()
    return (_kilobytes("VmHWM") - before) / 1000


def _kilobytes(name: str) -> float:
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1.024
