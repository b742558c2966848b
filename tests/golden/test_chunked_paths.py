"""Limits that bound memory change no result: patched small, they meet the same goldens."""

import ast
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

import hashbench
from tests.golden.expected import differences
from tests.golden.golden import all_goldens

# Limits that are patched together, their small values, goldens that run through them; inputs have 12 rows or more.
LIMITS: tuple[tuple[dict[str, Any], tuple[str, ...]], ...] = (
    ({"util.pca.CHUNK_ROWS": 7}, ("pca/*", "shallow/*")),
    ({"nets.nearest.MAX_TILE_ITEMS": 17}, ("neighbours/*", "bgan/nearest")),
    ({"nets.neighbours.CHUNK_ROWS": 5}, ("neighbours/*",)),
    ({"nets.diffusion.CHUNK_ITEMS": 7}, ("neighbours/diffusion",)),
    ({"nets.training_images.DEVICE_CACHE_BYTES": 1}, ("bgan/paper", "bgan/views", "bgan/tiny-frozen-one-view")),
    ({"nets.training_images.DECODE_CHUNK_IMAGES": 5}, ("bgan/paper",)),
    ({"data.images.DECODE_CHUNK_IMAGES": 2}, ("images/colour-*", "images/own-sizes-*", "trial/on-images")),
    (
        {"data.images.BATCH_PIXELS": {"cpu": 5000, "cuda": 5000}},
        ("networks/squeezenet1_1@64", "trial/on-images", "bgan/tiny-frozen"),
    ),
    ({"data.images.MAX_BATCH_IMAGES": 3}, ("trial/on-images", "bgan/tiny-frozen")),
    ({"execution.training_data.MAX_CACHED_IMAGE_BYTES": 1}, ("trial/on-images",)),
    ({"execution.frozen_maps.DEVICE_CACHE_BYTES": 1}, ("bgan/tiny-frozen",)),
    ({"execution.references._BLOCK_NUMBERS": 100}, ("trial/float-reference", "trial/one-hot-classes")),
    ({"execution.linear_classifier.CHUNK_ROWS": 7}, ("trial/one-hot-classes",)),
    ({"shallow.cca.CHUNK_ROWS": 7}, ("shallow/itq_cca-16",)),
    ({"features.gist.BATCH_IMAGES": 3}, ("gist/*",)),
    ({"execution.training_data.FEATURE_BATCH": 7, "features.cache.MAX_BLOCK_IMAGES": 20}, ("trial/whole",)),
    ({"features.cache.MAX_BLOCK_BYTES": 1}, ("trial/whole",)),
)
WORDS = ("CHUNK", "BLOCK", "BATCH", "TILE", "CACHE", "PIXELS")
ROOMS = (
    "nets",
    "features",
    "data/images.py",
    "data/decode.py",
    "util/pca.py",
    "execution/training_data.py",
    "execution/frozen_maps.py",
    "execution/references.py",
    "execution/linear_classifier.py",
)


@pytest.mark.parametrize(("small", "patterns"), LIMITS, ids=[", ".join(small) for small, _ in LIMITS])
def test_a_small_limit_changes_no_result(
    small: dict[str, Any], patterns: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    goldens = [golden for name, golden in all_goldens().items() if any(fnmatchcase(name, one) for one in patterns)]
    assert len(goldens) >= len(patterns)
    for limit, value in small.items():
        monkeypatch.setattr(f"hashbench.{limit}", value)
    told = [line for golden in goldens for line in differences(golden, golden.results())]
    assert not told, "\n".join(told)


def test_every_limit_is_here() -> None:
    """A new constant whose name says that it cuts work into parts needs a golden of the cut path."""
    package = Path(hashbench.__file__).parent
    named = set()
    for room in ROOMS:
        for file in [package / room] if room.endswith(".py") else sorted((package / room).glob("*.py")):
            module = ".".join(file.relative_to(package).with_suffix("").parts)
            named |= {f"{module}.{name}" for name in assigned(file) if any(word in name for word in WORDS)}
    constants = {name for name in named if name.rpartition(".")[2].isupper()}
    assert constants - {limit for small, _ in LIMITS for limit in small} == set()


def assigned(file: Path) -> set[str]:
    """Names that a module's top level assigns."""
    targets = [
        node.targets for node in ast.parse(file.read_text(encoding="utf-8")).body if isinstance(node, ast.Assign)
    ]
    return {target.id for group in targets for target in group if isinstance(target, ast.Name)}
