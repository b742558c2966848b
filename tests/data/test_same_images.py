"""One pass names all images that cannot be decoded, and what it decoded is not decoded again."""

import pickle
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from torch import Tensor

import hashbench.data.decode as decode_module
from hashbench.data import same_images as same_images_module
from hashbench.data.image_files import ImageFileDataset
from hashbench.data.same_images import pixel_sums, same_images
from hashbench.dataset import Items, Protocol, Split
from hashbench.errors import BrokenFiles, UsageError, broken_files

COUNT = 40
BROKEN = (3, 17, 18, 39)


class Photos(ImageFileDataset):
    """Forty files, each of its own colour."""

    title, source, features = "photos", "made here", "pixels"
    protocols = (Protocol("only", "all of it"),)

    @property
    def folder(self) -> Path:
        return self.root

    def files(self) -> list[str | None]:
        return [name if (self.root / name).exists() else None for name in map(name_of, range(COUNT))]

    def list_bytes(self) -> bytes:
        return b"sea"

    def classes(self) -> tuple[str, ...]:
        return ("sea",)

    def labels(self) -> npt.NDArray[np.bool_]:
        return np.ones((COUNT, 1), dtype=np.bool_)

    def split(self) -> Split:
        items = np.arange(COUNT, dtype=np.int64)
        return Split(train=items, query=items, database=items)


class Mirrored(Photos):
    """Makes images of its own from the files."""

    def images(self, items: Items) -> list[Tensor]:
        return [image.flip(2) for image in super().images(items)]


def name_of(item: int) -> str:
    return f"{item}.png"


def write(folder: Path, item: int, whole: bool = True) -> None:
    file = folder / name_of(item)
    Image.new("RGB", (8, 8), (item, 0, 0)).save(file)
    if not whole:
        file.write_bytes(file.read_bytes()[:50])


def photos(folder: Path, kind: type[Photos] = Photos) -> Photos:
    return kind(folder, Photos.protocols[0])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Forty files, four of them truncated."""
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "photos").mkdir()
    for item in range(COUNT):
        write(tmp_path / "photos", item, whole=item not in BROKEN)
    return tmp_path / "photos"


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are decoded."""
    names: list[str] = []
    original = decode_module._decode

    def noted(file: Path) -> Tensor | str:
        names.append(file.name)
        return original(file)

    monkeypatch.setattr(decode_module, "_decode", noted)
    return names


def test_one_pass_names_all_broken_images(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BrokenFiles, match=r"^4 images cannot be decoded, in \S*/photos/: 3\.png \(") as caught:
        same_images(photos(folder), tmp_path / "cache")
    assert sorted(caught.value.files) == sorted(str(folder / name_of(item)) for item in BROKEN)
    assert "replace them, or remove them to have them counted as missing" in str(caught.value)


def test_only_mended_images_are_decoded_again(folder: Path, tmp_path: Path, decoded: list[str]) -> None:
    with pytest.raises(BrokenFiles):
        same_images(photos(folder), tmp_path / "cache")
    for item in BROKEN[:3]:
        write(folder, item)
    (folder / name_of(BROKEN[3])).unlink()
    decoded.clear()
    groups = same_images(photos(folder), tmp_path / "cache")
    assert sorted(decoded) == sorted(name_of(item) for item in BROKEN[:3])
    assert len(set(groups.tolist())) == COUNT
    decoded.clear()
    write(folder, BROKEN[3])
    same_images(photos(folder), tmp_path / "cache")
    assert decoded == [name_of(BROKEN[3])]


def test_the_groups_are_those_of_a_pass_without_a_cache(folder: Path, tmp_path: Path) -> None:
    for item in BROKEN:
        write(folder, item)
    write(folder, 5)
    (folder / name_of(6)).write_bytes((folder / name_of(5)).read_bytes() + b"\0")  # other bytes, the same pixels
    before = pixel_sums(photos(folder), tmp_path / "cache").sums
    (file,) = (file for file in (tmp_path / "cache" / "pixels").iterdir() if not file.name.startswith("by-file"))
    file.unlink()
    kept = pixel_sums(photos(folder), tmp_path / "cache").sums
    assert np.array_equal(before, kept)
    assert np.array_equal(before, pixel_sums(photos(folder), tmp_path / "another").sums)
    assert before[5].tolist() == before[6].tolist()


def test_what_was_decoded_before_an_interruption_is_kept(
    folder: Path, tmp_path: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for item in BROKEN:
        write(folder, item)

    def interrupted(image: Tensor | None, item: int) -> bytes:
        if item == 32:
            raise KeyboardInterrupt
        return bytes([item] * 16)

    with monkeypatch.context() as patch:
        patch.setattr(same_images_module, "_sum_of", interrupted)
        with pytest.raises(KeyboardInterrupt):
            same_images(photos(folder), tmp_path / "cache")
    decoded.clear()
    same_images(photos(folder), tmp_path / "cache")
    assert sorted(decoded) == sorted(name_of(item) for item in range(32, COUNT))


def test_a_damaged_memory_of_files_is_made_again(folder: Path, tmp_path: Path, decoded: list[str]) -> None:
    with pytest.raises(BrokenFiles):
        same_images(photos(folder), tmp_path / "cache")
    (file,) = (tmp_path / "cache" / "pixels").iterdir()
    file.write_bytes(file.read_bytes()[:-7])
    decoded.clear()
    lines: list[str] = []
    dataset = photos(folder)
    dataset.log = lines.append
    with pytest.raises(BrokenFiles):
        same_images(dataset, tmp_path / "cache")
    assert len(set(decoded)) == COUNT
    assert f"the cached checksums of images {file} are damaged; computed again" in lines


def test_images_that_a_data_set_makes_itself_are_not_taken_for_their_files(folder: Path, tmp_path: Path) -> None:
    for item in BROKEN:
        write(folder, item)
    pixels = np.zeros((2, 2, 3), dtype=np.uint8)
    pixels[:, 0] = 200
    Image.fromarray(pixels).save(folder / name_of(0))
    plain = pixel_sums(photos(folder), tmp_path / "cache").sums
    mirrored = photos(folder, Mirrored)
    assert mirrored.image_sums() is None
    assert mirrored.image_content() == photos(folder).image_content()
    (tmp_path / "cache" / "pixels").rename(tmp_path / "elsewhere")
    assert plain[0].tolist() != pixel_sums(mirrored, tmp_path / "cache").sums[0].tolist()


def test_broken_images_of_a_data_set_that_names_one_at_a_time_are_all_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_at_a_time(self: Photos, items: Items) -> list[Tensor]:
        for item in items.tolist():
            if item in BROKEN:
                raise UsageError(f"no pixels in {item}")
        return ImageFileDataset.images(self, items)

    monkeypatch.setattr(Photos, "images", one_at_a_time)
    with pytest.raises(BrokenFiles) as caught:
        same_images(photos(folder), tmp_path / "cache")
    assert caught.value.files == {name_of(item): f"no pixels in {item}" for item in BROKEN}


def test_of_many_broken_files_the_first_ten_and_their_number_are_named() -> None:
    files = {f"/data/birds/{number}.jpg": "empty" for number in range(1_234)}
    error = broken_files("image", "decoded", files, "replace it")
    first = ", ".join(f"{number}.jpg (empty)" for number in range(10))
    assert str(error) == (
        f"1,234 images cannot be decoded, in /data/birds/: {first} and 1,224 more, "
        "which `hashbench data verify --json` names; replace them"
    )
    assert error.files == files
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.files) == (str(error), files)


def test_grey_images_are_the_same_whether_their_files_have_one_channel_or_three(folder: Path, tmp_path: Path) -> None:
    for item in BROKEN:
        write(folder, item)
    draw = np.random.default_rng(0)
    grey = Image.fromarray(draw.integers(0, 256, (8, 8), dtype=np.uint8))
    for item, mode in enumerate(("L", "RGB", "P", "LA")):
        grey.convert(mode).save(folder / name_of(item))
    groups = same_images(photos(folder), tmp_path / "cache")
    assert len(set(groups[:4].tolist())) == 1
    assert len(set(groups.tolist())) == COUNT - 3
