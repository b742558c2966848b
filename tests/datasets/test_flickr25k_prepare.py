"""``hashbench data prepare flickr25k``: adopted from folders and archives, downloaded, whole or in part."""

import hashlib
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hashbench.dataset import Dataset
from hashbench.errors import UsageError
from hashbench.plugins.registry import DATASETS
from tests.datasets.flickr import ALL, ANNOTATIONS, write_annotations, write_images
from tests.datasets.server import serving

IMAGES_ZIP, ANNOTATIONS_ZIP = "mirflickr25k.zip", f"{ANNOTATIONS}.zip"


@pytest.fixture
def module() -> Any:
    """The plugin's module."""
    return sys.modules[DATASETS.get("flickr25k").__module__]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with three images, what else lies beside them, and the annotations."""
    write_images(tmp_path / "source" / "mirflickr", [1, 2, 25_000])
    (tmp_path / "source" / "mirflickr" / "im25001.jpg").write_bytes(b"of another set")
    write_annotations(tmp_path / "source" / ANNOTATIONS)
    return tmp_path / "source"


@pytest.fixture
def archives(source: Path, tmp_path: Path, module: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the two archives, whose sums are made the published ones."""
    folder = tmp_path / "archives"
    folder.mkdir()
    with zipfile.ZipFile(folder / IMAGES_ZIP, "w") as packed:
        for file in (source / "mirflickr").iterdir():
            packed.write(file, f"mirflickr/{file.name}")
        packed.writestr("mirflickr/meta/tags/tags1.txt", "sea")
    pack_annotations(folder, source, "")
    publish(folder, module, monkeypatch)
    return folder


def pack_annotations(folder: Path, source: Path, prefix: str) -> None:
    with zipfile.ZipFile(folder / ANNOTATIONS_ZIP, "w") as packed:
        for file in (source / ANNOTATIONS).iterdir():
            packed.write(file, prefix + file.name)


def publish(folder: Path, module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sums = {name: hashlib.md5((folder / name).read_bytes()).hexdigest() for name in (IMAGES_ZIP, ANNOTATIONS_ZIP)}
    monkeypatch.setattr(module, "ARCHIVES_MD5", sums)


@pytest.fixture
def served(archives: Path, module: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the archives, which is made the official one."""
    with serving(archives) as address:
        monkeypatch.setattr(module, "URL", address)
        yield address


@pytest.fixture
def flickr(tmp_path: Path) -> Dataset:
    return anew(tmp_path / "data")


def anew(root: Path) -> Dataset:
    kind = DATASETS.get("flickr25k")
    return kind(root, kind.protocols[0])


def check_adopted(root: Path, images: list[str] | None = None) -> None:
    anew(root).require()
    assert sorted(path.name for path in root.iterdir()) == ["mirflickr", ANNOTATIONS]
    assert sorted(file.name for file in (root / "mirflickr").iterdir()) == (
        images or ["im1.jpg", "im2.jpg", "im25000.jpg"]
    )
    assert sorted(file.stem for file in (root / ANNOTATIONS).iterdir()) == sorted(ALL)


def nothing_left(root: Path) -> bool:
    return not root.exists() or not list(root.iterdir())


@pytest.mark.parametrize("location", ["beside", "inside"])
@pytest.mark.parametrize("name", ["", "mirflickr"])
def test_a_folder_is_adopted_whether_it_holds_the_images_folder_or_is_it(
    flickr: Dataset, source: Path, location: str, name: str
) -> None:
    if location == "inside":
        (source / ANNOTATIONS).rename(source / "mirflickr" / ANNOTATIONS)
    lines: list[str] = []
    flickr.prepare(source / name, lines.append)
    check_adopted(flickr.root)
    assert "3 of 25,000 images" in lines[-1]
    assert "24,997 are missing" in lines[-1]


def test_files_are_linked_and_the_source_stays_as_it_was(flickr: Dataset, source: Path) -> None:
    before = sorted(source.rglob("*"))
    flickr.prepare(source, print)
    assert sorted(source.rglob("*")) == before
    assert (flickr.root / "mirflickr" / "im1.jpg").samefile(source / "mirflickr" / "im1.jpg")


@pytest.mark.parametrize("prefix", ["", f"{ANNOTATIONS}/"])
@pytest.mark.parametrize("name", ["", IMAGES_ZIP])
def test_archives_are_adopted(
    flickr: Dataset,
    source: Path,
    archives: Path,
    module: Any,
    monkeypatch: pytest.MonkeyPatch,
    prefix: str,
    name: str,
) -> None:
    pack_annotations(archives, source, prefix)
    publish(archives, module, monkeypatch)
    flickr.prepare(archives / name, print)
    check_adopted(flickr.root)


def test_both_archives_are_downloaded_and_their_sizes_logged_first(flickr: Dataset, served: str) -> None:
    lines: list[str] = []
    flickr.prepare(None, lines.append)
    check_adopted(flickr.root)
    for name in (IMAGES_ZIP, ANNOTATIONS_ZIP):
        start = lines.index(f"downloading {served}/{name}")
        assert lines[start + 1].startswith("size: ")


def test_only_what_lacks_is_downloaded(flickr: Dataset, source: Path, served: str) -> None:
    flickr.prepare(source, print)
    lines: list[str] = []
    anew(flickr.root).prepare(None, lines.append)
    assert f"downloading {served}/{IMAGES_ZIP}" in lines
    assert f"downloading {served}/{ANNOTATIONS_ZIP}" not in lines


def test_more_images_are_added_to_those_that_are_here(flickr: Dataset, source: Path, tmp_path: Path) -> None:
    flickr.prepare(source, print)
    write_images(tmp_path / "more", [3, 4])
    anew(flickr.root).prepare(tmp_path / "more", print)
    check_adopted(flickr.root, ["im1.jpg", "im2.jpg", "im25000.jpg", "im3.jpg", "im4.jpg"])


def test_files_that_are_here_stay_as_they_are(flickr: Dataset, source: Path) -> None:
    write_images(flickr.root / "mirflickr", [2])
    write_annotations(flickr.root / ANNOTATIONS)
    large, sky = flickr.root / "mirflickr" / "im2.jpg", flickr.root / ANNOTATIONS / "sky.txt"
    large.write_bytes(b"the same photograph, larger")
    sky.write_text("24999\n")
    flickr.prepare(source, print)
    check_adopted(flickr.root)
    assert large.read_bytes() == b"the same photograph, larger"
    assert sky.read_text() == "24999\n"


def test_adopting_the_same_again_changes_nothing(flickr: Dataset, source: Path) -> None:
    for _ in range(2):
        anew(flickr.root).prepare(source, print)
        check_adopted(flickr.root)
    anew(flickr.root).prepare(flickr.root, print)
    check_adopted(flickr.root)


def test_what_is_complete_is_left_alone(
    flickr: Dataset, source: Path, module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IMAGE_COUNT", 2)
    for file in (source / ANNOTATIONS).iterdir():
        file.write_text("1\n")
    flickr.prepare(source, print)
    lines: list[str] = []
    anew(flickr.root).prepare(Path("nowhere"), lines.append)
    assert lines == [f"MIRFlickr-25K is complete in {flickr.root}"]


def test_damaged_annotations_are_replaced(flickr: Dataset, source: Path) -> None:
    flickr.prepare(source, print)
    (flickr.root / ANNOTATIONS / "sky.txt").unlink()
    (flickr.root / ANNOTATIONS / "sky.txt").write_text("half of")
    anew(flickr.root).prepare(source, print)
    replaced = (flickr.root / ANNOTATIONS / "sky.txt").read_bytes()
    assert replaced == (source / ANNOTATIONS / "sky.txt").read_bytes() != b"half of"


def test_damaged_annotations_of_the_source_are_named_and_leave_nothing(flickr: Dataset, source: Path) -> None:
    (source / ANNOTATIONS / "sky.txt").write_text("7\nseven\n")
    with pytest.raises(UsageError, match=r"source/.*sky\.txt, line 2 is 'seven'"):
        flickr.prepare(source, print)
    assert nothing_left(flickr.root)


@pytest.mark.parametrize(
    ("removed", "wanted"),
    [
        ("mirflickr", rf"holds neither mirflickr/im1\.jpg \.\. im25000\.jpg nor {IMAGES_ZIP}"),
        (ANNOTATIONS, rf"holds neither {ANNOTATIONS}/ nor {ANNOTATIONS_ZIP}"),
    ],
)
def test_a_source_without_one_of_the_parts_says_what_is_wanted(
    flickr: Dataset, source: Path, removed: str, wanted: str
) -> None:
    shutil.rmtree(source / removed)
    with pytest.raises(UsageError, match=wanted):
        flickr.prepare(source, print)
    assert nothing_left(flickr.root)


def test_a_source_that_has_nothing_is_refused_even_where_all_is_here(
    flickr: Dataset, source: Path, tmp_path: Path
) -> None:
    flickr.prepare(source, print)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="empty holds neither mirflickr"):
        anew(flickr.root).prepare(tmp_path / "empty", print)
    check_adopted(flickr.root)


def test_an_archive_of_another_sum_leaves_nothing(flickr: Dataset, archives: Path) -> None:
    (archives / IMAGES_ZIP).write_bytes((archives / IMAGES_ZIP).read_bytes()[:-1])
    with pytest.raises(UsageError, match=rf"{IMAGES_ZIP} has md5 [0-9a-f]{{32}}, wanted [0-9a-f]{{32}}; get it anew"):
        flickr.prepare(archives, print)
    assert nothing_left(flickr.root)


def test_an_archive_with_a_member_outside_leaves_nothing(
    flickr: Dataset, archives: Path, module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(archives / IMAGES_ZIP, "a") as packed:
        packed.writestr("../im1.jpg", b"evil")
    publish(archives, module, monkeypatch)
    with pytest.raises(UsageError, match=r"points outside: '\.\./im1\.jpg'"):
        flickr.prepare(archives, print)
    assert nothing_left(flickr.root)


def test_without_a_network_the_ways_out_are_named(
    flickr: Dataset, module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "URL", "http://127.0.0.1:9")
    with pytest.raises(UsageError, match=r"cannot be downloaded \(.*refused.*prepare flickr25k --from FOLDER"):
        flickr.prepare(None, print)
    assert nothing_left(flickr.root)
