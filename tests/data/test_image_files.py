"""A data set of image files: which are there, what they show, and a content that every change of a file changes."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from hashbench.data.image_files import ImageFileDataset
from hashbench.dataset import Protocol, Split


class Photos(ImageFileDataset):
    """Four items of a folder, of which 2.png is missing."""

    title, source, features = "photos", "made here", "pixels"
    protocols = (Protocol("only", "all of it"),)
    label = b"sea"

    @property
    def folder(self) -> Path:
        return self.root / "photos"

    def files(self) -> list[str | None]:
        names = [f"{item}.png" for item in range(4)]
        return [name if (self.folder / name).exists() else None for name in names]

    def list_bytes(self) -> bytes:
        return self.label

    def classes(self) -> tuple[str, ...]:
        return ("sea",)

    def labels(self) -> npt.NDArray[np.bool_]:
        return np.ones((4, 1), dtype=np.bool_)

    def split(self) -> Split:
        items = np.arange(4, dtype=np.int64)
        return Split(train=items, query=items, database=items)


def write(root: Path) -> None:
    (root / "photos").mkdir(parents=True)
    for item in (0, 1, 3):
        Image.new("RGB", (2 + item, 2), (item, 0, 0)).save(root / "photos" / f"{item}.png")


def photos(root: Path) -> Photos:
    return Photos(root, Photos.protocols[0])


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root with three of the four images."""
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))
    write(tmp_path / "data")
    return tmp_path / "data"


def test_missing_files_are_items_that_are_not_present(root: Path) -> None:
    assert len(photos(root)) == 4
    assert photos(root).present().tolist() == [True, True, False, True]


def test_images_and_names_are_the_items(root: Path) -> None:
    items = np.array([3, 0])
    assert [int(image[0].max()) for image in photos(root).images(items)] == [3, 0]
    assert [tuple(image.shape) for image in photos(root).images(items)] == [(3, 2, 5), (3, 2, 2)]
    assert photos(root).names(np.array([3, 0, 2])) == ["3.png", "0.png", "item 2"]


def test_a_missing_image_is_never_made_up(root: Path) -> None:
    with pytest.raises(ValueError, match="item 2 has no image"):
        photos(root).images(np.array([0, 2]))


def test_content_is_the_same_wherever_the_folder_lies(root: Path, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere")
    assert photos(root).content() == photos(tmp_path / "elsewhere").content()
    assert len(photos(root).content()) == 64


@pytest.mark.parametrize("change", ["bytes", "removed", "added", "swapped", "moved", "labels"])
def test_content_changes_with_every_file_and_with_the_labels(
    root: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    before, folder = photos(root).content(), root / "photos"
    match change:
        case "bytes":
            with (folder / "1.png").open("ab") as file:
                file.write(b"\0")
        case "removed":
            (folder / "1.png").unlink()
        case "added":
            (folder / "2.png").write_bytes((folder / "1.png").read_bytes())
        case "swapped":
            (folder / "0.png").rename(folder / "kept")
            (folder / "1.png").rename(folder / "0.png")
            (folder / "kept").rename(folder / "1.png")
        case "moved":
            (folder / "1.png").rename(folder / "2.png")
        case "labels":
            monkeypatch.setattr(Photos, "label", b"sky")
    assert photos(root).content() != before


def test_labels_are_part_of_the_content_and_not_of_the_images(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = photos(root)
    contents, images = before.content(), before.image_content()
    monkeypatch.setattr(Photos, "label", b"sky")
    after = photos(root)
    assert after.content() != contents
    assert after.image_content() == images
    Image.new("RGB", (9, 9)).save(root / "photos" / "0.png")
    assert photos(root).image_content() != images
