"""Fashion-MNIST and MNIST: protocols, and files that are adopted, downloaded, never half done."""

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hashbench.data import idx_files
from hashbench.data.idx_files import PARTS
from hashbench.dataset import Dataset
from hashbench.errors import UsageError
from hashbench.plugins.registry import DATASETS
from tests.datasets.server import serving
from tests.pictures import pictures

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
NAMES = ("fashion_mnist", "mnist")


def idx(array: npt.NDArray[np.uint8]) -> bytes:
    sizes = np.array(array.shape, dtype=">u4").tobytes()
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def small(name: str, root: Path, protocol: int = 0) -> Dataset:
    kind = DATASETS.get(name)
    return kind(root, kind.protocols[protocol])


@pytest.fixture
def contents(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Four small files: 30 training and 20 test images, whose sums are made the published ones."""
    rng = np.random.default_rng(0)
    arrays = [array for n in (30, 20) for array in (rng.integers(0, 256, (n, 28, 28)), np.arange(n) % 10)]
    files = {name: idx(array.astype(np.uint8)) for name, array in zip(PARTS, arrays, strict=True)}
    for name in NAMES:
        sums = tuple(hashlib.md5(content).hexdigest() for content in files.values())
        monkeypatch.setattr(DATASETS.get(name), "sums", sums)
        archives = tuple(hashlib.md5(packed(content)).hexdigest() for content in files.values())
        monkeypatch.setattr(DATASETS.get(name), "archive_sums", archives)
    monkeypatch.setattr(idx_files, "FEW_QUERIES", 5)
    return files


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def write(folder: Path, contents: dict[str, bytes], ending: str = "") -> Path:
    folder.mkdir(parents=True)
    for name, content in contents.items():
        if ending == ".gz":
            (folder / f"{name}.gz").write_bytes(packed(content))
        else:
            (folder / (name.replace("-idx", ".idx") if ending == "dotted" else name)).write_bytes(content)
    return folder


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("inside", "ending"), [("", ".gz"), ("", "dotted"), ("raw", ""), ("torchvision", ".gz")])
def test_files_are_adopted_however_they_are_kept(
    name: str, inside: str, ending: str, contents: dict[str, bytes], tmp_path: Path
) -> None:
    dataset: Any = small(name, tmp_path / "data")
    write(tmp_path / "source" / (f"{dataset.folder_name}/raw" if inside == "torchvision" else inside), contents, ending)
    lines: list[str] = []
    dataset.prepare(tmp_path / "source", lines.append)
    dataset.require()
    assert {file.name: file.read_bytes() for file in dataset.folder.iterdir()} == contents, "torchvision reads these"
    assert [file.name for file in dataset.root.iterdir()] == [dataset.folder_name]
    dataset.prepare(Path("nowhere"), lines.append)
    assert lines == [
        f"{dataset.title}: 4 files, sums checked, in {dataset.folder}",
        f"{dataset.title} is complete in {dataset.folder}",
    ]


def test_they_are_downloaded_with_sums(
    contents: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, kind = write(tmp_path / "served", contents, ".gz"), DATASETS.get("mnist")
    with serving(served) as address:
        monkeypatch.setattr(kind, "url", address)
        small("mnist", tmp_path / "data").prepare(None, lambda _: None)
        assert len(small("mnist", tmp_path / "data")) == 50
        (served / f"{PARTS[2]}.gz").write_bytes(packed(b"something else"))
        with pytest.raises(
            UsageError, match=r"t10k-images-idx3-ubyte\.gz: the downloaded file has md5 .*--from FOLDER"
        ):
            small("mnist", tmp_path / "other").prepare(None, lambda _: None)
    assert not list((tmp_path / "other").iterdir())


def test_the_protocols_query_test_images_only(contents: dict[str, bytes], tmp_path: Path) -> None:
    for number, queries in enumerate((20, 5)):
        dataset = small("fashion_mnist", tmp_path, number)
        if not number:
            dataset.prepare(write(tmp_path / "source", contents), lambda _: None)
        split = dataset.split()
        assert sorted(split.query.tolist()) == list(range(30, 30 + queries))
        assert sorted(split.database.tolist()) == list(range(30))
        assert split.database.tolist() != list(range(30))
        assert np.array_equal(split.train, split.database)
        assert pictures(dataset, np.array([0, 49])).shape == (2, 1, 28, 28)
        assert dataset.images(np.array([31]))[0].numpy().tobytes() == contents[PARTS[2]][16 + 784 : 16 + 2 * 784]
        assert dataset.labels().argmax(1).tolist() == [*(np.arange(30) % 10), *(np.arange(20) % 10)]
    assert {small(name, tmp_path).features for name in NAMES} == {"pixels"}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda file: file.unlink(),
            r"^MNIST: .* holds no train-labels-idx1-ubyte, nor .*\.gz \(also looked for in raw/",
        ),
        (lambda file: file.write_bytes(packed(b"x")), r"is damaged, or another data set's: its md5 uncompressed is"),
        (lambda file: file.write_bytes(b"x"), r"is damaged or no gzip file \(.*\); get it anew$"),
        (lambda file: file.write_bytes(file.read_bytes()[:-9]), r"is damaged or no gzip file"),
    ],
)
def test_a_broken_source_is_one_line_and_leaves_nothing(
    damage: Callable[[Path], object], message: str, contents: dict[str, bytes], tmp_path: Path
) -> None:
    damage(write(tmp_path / "source", contents, ".gz") / f"{PARTS[1]}.gz")
    with pytest.raises(UsageError, match=message) as refused:
        small("mnist", tmp_path / "data").prepare(tmp_path / "source", lambda _: None)
    assert "\n" not in str(refused.value)
    assert not list((tmp_path / "data").iterdir())


def test_missing_and_changed_files_are_named_with_the_way_out(contents: dict[str, bytes], tmp_path: Path) -> None:
    dataset: Any = small("mnist", tmp_path)
    with pytest.raises(UsageError, match=r"MNIST/raw is not there; run `hashbench data prepare mnist`"):
        dataset.require()
    dataset.prepare(write(tmp_path / "source", contents), lambda _: None)
    (dataset.folder / PARTS[1]).write_bytes(b"changed")
    with pytest.raises(UsageError, match=r"its md5 is .*; `hashbench data prepare mnist` gets it anew"):
        small("mnist", tmp_path).content()
    dataset.prepare(tmp_path / "source", lambda _: None)
    assert small("mnist", tmp_path).content()


@pytest.mark.slow
@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed")
def test_debians_files_are_the_published_ones(tmp_path: Path) -> None:
    small("fashion_mnist", tmp_path).prepare(DEBIAN, lambda _: None)
    dataset = small("fashion_mnist", tmp_path, 1)
    split = dataset.split()
    assert (len(split.query), len(split.database)) == (2_000, 60_000)
    assert dataset.labels()[60_000:].sum(0).tolist() == [1_000] * 10
    assert dataset.classes()[int(dataset.labels()[0].argmax())] == "ankle boot"
