"""``hashbench data prepare nuswide``: says how to obtain it, adopts what the user has, counts what is missing."""

from pathlib import Path

import numpy as np
import pytest

from hashbench.data.spec import open_dataset
from hashbench.dataset import Dataset
from hashbench.errors import UsageError
from hashbench.plugins.registry import DATASETS
from tests.datasets.nuswide_files import drawn_labels, name_of, write_image, write_published

LISTS = {
    "database": "images/a.jpg 1 0\nimages/b.jpg 0 1\n",
    "test": "images/c.jpg 1 1\n",
    "train": "images/a.jpg 1 0\n",
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published layout with two images of tc21, one of no concept and one that no list knows."""
    folder = tmp_path_factory.mktemp("source")
    write_published(folder)
    listed, unlabelled = np.flatnonzero(drawn_labels().any(axis=1)), np.flatnonzero(~drawn_labels().any(axis=1))
    for line in (*listed[:2].tolist(), int(unlabelled[0])):
        write_image(folder / "Flickr" / name_of(line), 0)
    write_image(folder / "holidays.jpg", 0)
    return folder


@pytest.fixture
def nuswide(tmp_path: Path) -> Dataset:
    kind = DATASETS.get("nuswide")
    return kind(tmp_path / "data", kind.protocols[0])


def write_lists(folder: Path, lists: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in lists.items():
        (folder / f"{name}.txt").write_text(content)


def files_in(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def prepared(dataset: Dataset, source: Path | None) -> list[str]:
    lines: list[str] = []
    dataset.prepare(source, lines.append)
    return lines


def test_without_a_folder_it_says_how_to_obtain_it(nuswide: Dataset) -> None:
    lines = prepared(nuswide, None)
    assert "may not be passed on" in lines[0]
    assert any("https://lms.comp.nus.edu.sg/" in line for line in lines)
    assert any("lists/train.txt" in line for line in lines)
    assert lines[-3].startswith("nuswide/tc21: not ready: NUS-WIDE: ")
    assert not nuswide.root.exists()


def test_lists_labels_and_listed_images_are_adopted_and_the_missing_counted(nuswide: Dataset, source: Path) -> None:
    lines = prepared(nuswide, source)
    folder = nuswide.root / "nuswide"
    images = [file for file in files_in(folder) if file.endswith(".jpg")]
    assert images == sorted(f"Flickr/{name_of(line)}" for line in np.flatnonzero(drawn_labels().any(axis=1))[:2])
    assert len(files_in(folder)) == 1 + 21 + 2
    assert (folder / images[0]).samefile(source / images[0])
    assert lines[0] == f"NUS-WIDE: 22 lists and label files and 2 images adopted from {source}"
    split = open_dataset("nuswide/tc21", nuswide.root).split()
    there = {part: len({0, 1} & set(items.tolist())) for part, items in split.parts().items()}
    assert lines[1] == (
        f"nuswide/tc21: missing 195,832 of 195,834 images, {2_100 - there['query']:,} of 2,100 query, "
        f"{193_734 - there['database']:,} of 193,734 database, {10_500 - there['train']:,} of 10,500 train"
    )
    assert " of 186,577 images, " in lines[2]
    assert lines[3].startswith("nuswide/lists: not ready: NUS-WIDE: ")
    assert [file.name for file in nuswide.root.iterdir()] == ["nuswide"]


def test_a_second_folder_adds_to_the_first(nuswide: Dataset, source: Path, tmp_path: Path) -> None:
    prepared(nuswide, source)
    before = files_in(nuswide.root)
    third = name_of(int(np.flatnonzero(drawn_labels().any(axis=1))[2]))
    write_image(tmp_path / "more" / third, 0)
    lines = prepared(nuswide, tmp_path / "more")
    assert lines[0] == f"NUS-WIDE: 0 lists and label files and 1 images adopted from {tmp_path / 'more'}"
    assert lines[1].startswith("nuswide/tc21: missing 195,831 of 195,834 images, ")
    assert files_in(nuswide.root) == sorted([*before, f"nuswide/{third}"])


@pytest.mark.parametrize("subfolder", ["", "lists", "nuswide/lists"])
def test_list_files_are_adopted_from_where_they_lie_and_again(nuswide: Dataset, tmp_path: Path, subfolder: str) -> None:
    write_lists(tmp_path / "own" / subfolder, LISTS)
    base = tmp_path / "own" / ("nuswide" if subfolder.startswith("nuswide") else "")
    write_image(base / "images" / "a.jpg", 0)
    lines = prepared(nuswide, tmp_path / "own")
    assert files_in(nuswide.root / "nuswide") == [
        "images/a.jpg",
        "lists/database.txt",
        "lists/test.txt",
        "lists/train.txt",
    ]
    assert lines[-1] == "nuswide/lists: missing 2 of 3 images, 1 of 1 query, 1 of 2 database, 0 of 1 train"
    before = files_in(nuswide.root)
    again = prepared(nuswide, tmp_path / "own")
    assert again[0] == f"NUS-WIDE: 3 lists and label files and 0 images adopted from {base}"
    assert again[-1] == lines[-1]
    assert files_in(nuswide.root) == before


@pytest.mark.parametrize("broken", ["Labels_sky.txt", "Imagelist.txt", "test.txt"])
def test_a_broken_file_leaves_nothing(nuswide: Dataset, source: Path, tmp_path: Path, broken: str) -> None:
    own = tmp_path / "own"
    for file in source.rglob("*.txt"):
        link = own / file.relative_to(source)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file)
    write_lists(own / "lists", LISTS)
    file = next(own.rglob(broken))
    content = file.read_bytes() + b"0\n"
    file.unlink()
    file.write_bytes(content)
    with pytest.raises(UsageError, match=broken):
        prepared(nuswide, own)
    assert not nuswide.root.exists()


def test_a_folder_without_any_of_it_is_an_error(nuswide: Dataset, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("nothing here")
    with pytest.raises(UsageError, match="holds neither lists, labels nor images; `hashbench data prepare nuswide`"):
        prepared(nuswide, tmp_path)
    assert not nuswide.root.exists()
