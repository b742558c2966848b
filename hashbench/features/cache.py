"""The feature cache: what an extractor answers for a whole data set, on disk, memory-mapped, checked by sum."""

import hashlib
import inspect
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from hashbench import images
from hashbench.dataset import Dataset
from hashbench.features.extractor import Extractor
from hashbench.files import file_sum, replacing
from hashbench.images import on_device

CACHE_VARIABLE = "HASHBENCH_CACHE"
BLOCK = 256  # images in memory at a time
STEPS, LEAST_STEP = 10, 5000  # most progress lines per extraction, fewest images between two


class CachedFeatures(NamedTuple):
    """Features of every item of a data set.

    Attributes:
        values: float32 [items, d], memory-mapped and read-only.
        sha256: checksum of their file.
    """

    values: npt.NDArray[np.float32]
    sha256: str


def cache_root() -> Path:
    """HASHBENCH_CACHE, else XDG_CACHE_HOME/hashbench, else ~/.cache/hashbench."""
    if own := os.environ.get(CACHE_VARIABLE):
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "hashbench"


def cached_features(
    dataset: Dataset,
    dataset_name: str,
    content: str,
    extractor: Extractor,
    cache: Path,
    device: torch.device,
    report: Callable[[str], None],
) -> CachedFeatures:
    """Features of every item.

    They are extracted once for each data set content, extractor, weights and source of the code that makes them.
    A damaged file is made again. Processes may do so at once: each puts whole files in place, and readers keep theirs.

    Args:
        dataset: gives the images; ``len(dataset)`` is their number.
        dataset_name: for the file's name and for messages.
        content: ``dataset.content()``.
        extractor: what to apply.
        cache: the cache's folder, made if need be.
        device: where to extract.
        report: gets lines of progress and what was wrong with a file.
    """
    made_from = {
        "dataset": dataset_name,
        "content": content,
        "extractor": extractor.name,
        "dtype": extractor.dtype,
        "weights": extractor.weights,
        "source": source_sum(dataset, extractor),
    }
    key = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:16]
    file = cache / "features" / f"{_safe(dataset_name)}-{_safe(extractor.name)}-{key}.npy"
    if file.exists():
        kept, damage = _checked(file)
        if kept is not None:
            return kept
        report(f"features {file}: {damage}; made again")
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as work:
        _extract(dataset, extractor, work, device, lambda line: report(f"{extractor.name} of {dataset_name}: {line}"))
        shape = _mapped(work).shape
        sha256 = file_sum(work)
        sidecar = {"shape": shape, "dtype": extractor.dtype, "sha256": sha256, "made_from": made_from}
        with replacing(_sidecar(file)) as beside:  # in place before the features, which are never without
            beside.write_text(json.dumps(sidecar, indent=1) + "\n")
    return CachedFeatures(_mapped(file), sha256)


def source_sum(dataset: Dataset, extractor: Extractor) -> str:
    """Sum (sha256, hexadecimal) of the sources that decide the answers: what decodes, resizes and extracts."""
    classes = [kind for kind in type(extractor).__mro__ if issubclass(kind, Extractor)]
    sources = sorted({inspect.getfile(kind) for kind in (*classes, type(dataset))} | {images.__file__})
    return hashlib.sha256("".join(file_sum(Path(source)) for source in sources).encode()).hexdigest()


def _extract(
    dataset: Dataset, extractor: Extractor, work: Path, device: torch.device, report: Callable[[str], None]
) -> None:
    """Write the features of all items to the file ``work``, block by block."""
    count = len(dataset)
    step = max(count // STEPS, LEAST_STEP)
    report(f"extracting {count:,} images")
    with torch.inference_mode(), work.open("wb") as file:
        for start in range(0, count, BLOCK):
            items = np.arange(start, min(start + BLOCK, count), dtype=np.int64)
            features = extractor(on_device(dataset.images(items), device))
            block = features.cpu().numpy().astype("<f4", order="C", copy=False)
            if start == 0:
                header = {"descr": "<f4", "fortran_order": False, "shape": (count, block.shape[1])}
                np.lib.format.write_array_header_1_0(file, header)
            file.write(block.data)
            done = start + len(items)
            if done // step > start // step:
                report(f"{done:,} of {count:,}")


def _checked(file: Path) -> tuple[CachedFeatures | None, str]:
    """A file of features whose sum is the one beside it, or None and what is wrong with it."""
    try:
        wanted = json.loads(_sidecar(file).read_text())["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return None, f"the sum beside it cannot be read ({error})"
    found = file_sum(file)
    if found != wanted:
        return None, f"damaged, its sha256 is {found}, wanted {wanted}"
    return CachedFeatures(_mapped(file), found), ""


def _mapped(file: Path) -> npt.NDArray[np.float32]:
    mapped: npt.NDArray[np.float32] = np.load(file, mmap_mode="r", allow_pickle=False)
    return mapped


def _sidecar(file: Path) -> Path:
    return file.with_suffix(".json")


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.@-]+", "-", name)
