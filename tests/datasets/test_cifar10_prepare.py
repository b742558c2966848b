"""``hashbench data prepare cifar10``: adopted from disk, downloaded, never half done."""

import errno
import hashlib
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from hashbench.dataset import Dataset
from hashbench.errors import StorageError, UsageError
from hashbench.plugins.registry import DATASETS
from tests.datasets.server import Quiet, serving

FOLDER = "cifar-10-batches-py"
ARCHIVE = "cifar-10-python.tar.gz"


@pytest.fixture
def published(
    tmp_path: Path, write_small: Callable[[Path], None], cifar10_module: Any, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A folder with the seven files in FOLDER and, in archive/, the archive of them."""
    root = tmp_path / "published"
    write_small(root / FOLDER)
    (root / "archive").mkdir()
    with tarfile.open(root / "archive" / ARCHIVE, "w:gz") as tar:
        tar.add(root / FOLDER, FOLDER)
        tar.add(__file__, f"{FOLDER}/readme.html")
    archive_sum = hashlib.md5((root / "archive" / ARCHIVE).read_bytes()).hexdigest()
    monkeypatch.setattr(cifar10_module, "ARCHIVE_MD5", archive_sum)
    return root


@pytest.fixture
def cifar10(tmp_path: Path, published: Path) -> Dataset:
    kind = DATASETS.get("cifar10")
    return kind(tmp_path / "data", kind.protocols[0])


@pytest.fixture
def served(published: Path, cifar10_module: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The archive at an http address, which is made the official one."""
    with serving(published / "archive") as address:
        url = f"{address}/{ARCHIVE}"
        monkeypatch.setattr(cifar10_module, "URL", url)
        yield url


def nothing_left(root: Path) -> bool:
    return not root.exists() or not list(root.iterdir())


@pytest.mark.parametrize("source", [FOLDER, "", "archive", f"archive/{ARCHIVE}"])
def test_files_on_disk_are_adopted(cifar10: Dataset, published: Path, source: str) -> None:
    lines: list[str] = []
    cifar10.prepare(published / source, lines.append)
    cifar10.require()
    assert cifar10.labels().shape == (120, 10)
    assert [file.name for file in cifar10.root.iterdir()] == [FOLDER]
    assert "sums checked" in lines[-1]


def test_what_is_complete_is_left_alone(cifar10: Dataset, published: Path) -> None:
    cifar10.prepare(published, print)
    before = {file.name: file.stat().st_mtime_ns for file in (cifar10.root / FOLDER).iterdir()}
    lines: list[str] = []
    cifar10.prepare(Path("nowhere"), lines.append)
    assert {file.name: file.stat().st_mtime_ns for file in (cifar10.root / FOLDER).iterdir()} == before
    assert lines == [f"CIFAR-10 is complete in {cifar10.root / FOLDER}"]


def test_a_damaged_file_is_replaced(cifar10: Dataset, published: Path) -> None:
    shutil.copytree(published / FOLDER, cifar10.root / FOLDER)
    (cifar10.root / FOLDER / "test_batch").write_bytes(b"half of")
    (cifar10.root / FOLDER / "notes.txt").write_text("mine")
    cifar10.prepare(published, print)
    assert cifar10.labels().shape == (120, 10)
    assert (cifar10.root / FOLDER / "notes.txt").read_text() == "mine"


def test_a_broken_source_leaves_nothing(cifar10: Dataset, published: Path) -> None:
    broken = published / FOLDER / "data_batch_3"
    broken.write_bytes(broken.read_bytes()[:-1])
    with pytest.raises(UsageError, match=f"{broken} is damaged: its md5 is [0-9a-f]{{32}}, wanted [0-9a-f]{{32}}"):
        cifar10.prepare(published, print)
    assert nothing_left(cifar10.root)


def test_a_broken_archive_leaves_nothing(cifar10: Dataset, published: Path) -> None:
    archive = published / "archive" / ARCHIVE
    archive.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(UsageError, match=f"{archive} has md5 [0-9a-f]{{32}}, wanted"):
        cifar10.prepare(published / "archive", print)
    assert nothing_left(cifar10.root)


def test_a_source_without_the_files_says_what_is_wanted(cifar10: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"holds neither the files data_batch_1, .* nor {ARCHIVE}"):
        cifar10.prepare(tmp_path / "empty", print)
    assert nothing_left(cifar10.root)


def test_the_archive_is_downloaded_and_its_size_logged_first(cifar10: Dataset, served: str) -> None:
    lines: list[str] = []
    cifar10.prepare(None, lines.append)
    assert cifar10.labels().shape == (120, 10)
    assert [file.name for file in cifar10.root.iterdir()] == [FOLDER]
    assert lines[0] == f"downloading {served}"
    assert lines[1].startswith("size: 0.")
    assert lines[2].startswith("  ")


def test_a_download_of_another_sum_leaves_nothing(
    cifar10: Dataset, served: str, cifar10_module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cifar10_module, "ARCHIVE_MD5", "0" * 32)
    with pytest.raises(UsageError, match=f"{served}: the downloaded file has md5 [0-9a-f]{{32}}, wanted 0{{32}}"):
        cifar10.prepare(None, print)
    assert nothing_left(cifar10.root)


def test_a_download_that_breaks_off_leaves_nothing(
    cifar10: Dataset, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def promise_more(self: Quiet, key: str, value: str) -> None:
        SimpleHTTPRequestHandler.send_header(self, key, str(int(value) + 7) if key == "Content-Length" else value)

    monkeypatch.setattr(Quiet, "send_header", promise_more)
    with pytest.raises(UsageError, match=r"cannot be downloaded \(the connection ended after \d+ of \d+ bytes\)"):
        cifar10.prepare(None, print)
    assert nothing_left(cifar10.root)


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("step", ["hashbench.data.download._copy", "tarfile.TarFile.extractall"])
def test_a_full_disk_is_not_taken_for_a_bad_connection_or_archive(
    cifar10: Dataset, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fill(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(step, fill)
    with pytest.raises(StorageError, match=rf"{cifar10.root} cannot be written \(No space left on device\); free some"):
        cifar10.prepare(None, print)
    assert nothing_left(cifar10.root)


def test_a_length_that_is_no_number_is_an_unknown_size(
    cifar10: Dataset, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def garble(self: Quiet, key: str, value: str) -> None:
        SimpleHTTPRequestHandler.send_header(self, key, "many" if key == "Content-Length" else value)

    monkeypatch.setattr(Quiet, "send_header", garble)
    lines: list[str] = []
    cifar10.prepare(None, lines.append)
    assert lines[:2] == [f"downloading {served}", "size: unknown"]


@pytest.mark.parametrize(("path", "reason"), [("absent", "404"), (None, "refused")])
def test_without_the_file_or_the_network_the_ways_out_are_named(
    cifar10: Dataset,
    served: str,
    cifar10_module: Any,
    monkeypatch: pytest.MonkeyPatch,
    path: str | None,
    reason: str,
) -> None:
    url = f"{served}{path}" if path else "http://127.0.0.1:9/archive"
    monkeypatch.setattr(cifar10_module, "URL", url)
    with pytest.raises(UsageError, match=rf"cannot be downloaded \(.*{reason}.*--from FOLDER"):
        cifar10.prepare(None, print)
    assert nothing_left(cifar10.root)
