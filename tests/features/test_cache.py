"""The feature cache: extracted once, whole or absent, checked by sum."""

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from hashbench import images
from hashbench.dataset import Images
from hashbench.features.cache import cache_root, cached_features, source_sum
from hashbench.features.extractor import Extractor
from hashbench.features.spec import extractor
from hashbench.registry import DATASETS
from tests.pictures import pictures

CPU = torch.device("cpu")


class Counting(Extractor):
    """Mean and maximum of the pixels; counts the images it saw, and can be told to be slow."""

    name = "counting"

    def __init__(self, seconds: float = 0.0) -> None:
        self.seen, self.seconds = 0, seconds

    def __call__(self, images: Images) -> Tensor:
        self.seen += len(images)
        assert isinstance(images, Tensor)
        time.sleep(self.seconds)
        flat = images.flatten(1).float()
        return torch.stack([flat.mean(1), flat.amax(1)], 1)


def digits_features(
    cache: Path, with_extractor: Extractor, content: str = "c", lines: list[str] | None = None
) -> npt.NDArray[np.float32]:
    digits = DATASETS.get("digits")(Path())
    said = [] if lines is None else lines
    return cached_features(digits, "digits", content, with_extractor, cache, CPU, said.append).values


def files(cache: Path) -> list[Path]:
    return sorted((cache / "features").iterdir())


def test_features_of_every_item_in_order(tmp_path: Path) -> None:
    digits = DATASETS.get("digits")(Path())
    pixels = pictures(digits, np.arange(1797)).flatten(1).numpy() / 255
    for again in range(2):
        features = digits_features(tmp_path, extractor("pixels"))
        assert features.dtype == np.float32
        np.testing.assert_allclose(features, pixels, rtol=1e-6, err_msg=f"reading {again}")


def test_the_array_is_mapped_and_read_only(tmp_path: Path) -> None:
    for _ in range(2):
        features = digits_features(tmp_path, extractor("pixels"))
        assert isinstance(features, np.memmap)
        with pytest.raises(ValueError, match="read-only"):
            features[0] = 1


def test_features_are_extracted_once(tmp_path: Path) -> None:
    counting = Counting()
    first = digits_features(tmp_path, counting)
    assert counting.seen == 1797
    second = digits_features(tmp_path, counting)
    assert counting.seen == 1797
    assert np.array_equal(first, second)


def test_what_they_are_made_from_decides_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def seen(changed: Extractor, content: str = "c") -> int:
        assert isinstance(changed, Counting)
        digits_features(tmp_path, changed, content)
        return changed.seen

    assert seen(Counting()) == 1797
    assert seen(Counting()) == 0
    assert seen(Counting(), content="other images") == 1797
    renamed, weighted = Counting(), Counting()
    renamed.name, weighted.weights = "counting@16", "0123"
    assert seen(renamed) == 1797
    assert seen(weighted) == 1797
    resizing = tmp_path / "images.py"
    resizing.write_text("another way to resize")
    monkeypatch.setattr(images, "__file__", str(resizing))
    assert seen(Counting()) == 1797


def test_the_sources_are_those_of_data_set_and_extractor() -> None:
    digits = DATASETS.get("digits")(Path())
    assert source_sum(digits, extractor("gist")) == source_sum(digits, extractor("gist"))
    assert len({source_sum(digits, e) for e in (extractor("gist"), extractor("pixels"), Counting())}) == 3


def test_the_sidecar_says_what_the_features_are(tmp_path: Path) -> None:
    digits_features(tmp_path, extractor("pixels"))
    sidecar, _ = files(tmp_path)
    said = json.loads(sidecar.read_text())
    assert (said["shape"], said["dtype"]) == ([1797, 64], "float32")
    assert said["made_from"]["extractor"] == "pixels"
    assert set(said["made_from"]) == {"dataset", "content", "extractor", "dtype", "weights", "source"}


def damage_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("what", ["bit", "half", "no sum", "broken sum"])
def test_a_damaged_file_is_made_again_with_a_line(tmp_path: Path, what: str) -> None:
    whole = np.array(digits_features(tmp_path, extractor("pixels")))
    sidecar, file = files(tmp_path)
    if what == "bit":
        damage_bit(file)
    elif what == "half":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    elif what == "no sum":
        sidecar.unlink()
    else:
        sidecar.write_text("{")
    lines: list[str] = []
    assert np.array_equal(digits_features(tmp_path, extractor("pixels"), lines=lines), whole)
    assert str(file) in lines[0]
    assert lines[0].endswith("made again")
    quiet: list[str] = []
    digits_features(tmp_path, extractor("pixels"), lines=quiet)
    assert quiet == []


def slow_extraction(cache: Path) -> None:
    torch.set_num_threads(1)  # a forked process has no thread pool
    digits_features(cache, Counting(seconds=0.05))


def test_a_kill_in_between_leaves_no_half_file(tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=slow_extraction, args=(tmp_path,))
    process.start()
    while not (tmp_path / "features").exists() or not files(tmp_path):
        time.sleep(0.005)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert [file for file in files(tmp_path) if file.suffix == ".npy"] == []
    counting = Counting()
    assert digits_features(tmp_path, counting).shape == (1797, 2)
    assert counting.seen == 1797


def test_an_error_in_between_leaves_nothing(tmp_path: Path) -> None:
    class Failing(Counting):
        def __call__(self, images: Images) -> Tensor:
            if self.seen > 1000:
                raise RuntimeError("no memory left")
            return super().__call__(images)

    with pytest.raises(RuntimeError, match="no memory left"):
        digits_features(tmp_path, Failing())
    assert files(tmp_path) == []


def test_two_processes_at_once_do_no_harm(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    both = [context.Process(target=slow_extraction, args=(tmp_path,)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    counting, lines = Counting(), list[str]()
    assert digits_features(tmp_path, counting, lines=lines).shape == (1797, 2)
    assert (counting.seen, lines) == (0, [])
    assert [file.suffix for file in files(tmp_path)] == [".json", ".npy"]


def test_progress_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hashbench.features.cache.LEAST_STEP", 256)
    lines: list[str] = []
    digits_features(tmp_path, extractor("pixels"), lines=lines)
    assert lines[0] == "pixels of digits: extracting 1,797 images"
    assert lines[1] == "pixels of digits: 256 of 1,797"
    assert len(lines) == 1 + 1797 // 256


def test_where_the_cache_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHBENCH_CACHE", "/own")
    monkeypatch.setenv("XDG_CACHE_HOME", "/shared")
    monkeypatch.setenv("HOME", "/home/someone")
    assert cache_root() == Path("/own")
    monkeypatch.delenv("HASHBENCH_CACHE")
    assert cache_root() == Path("/shared/hashbench")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_root() == Path("/home/someone/.cache/hashbench")
