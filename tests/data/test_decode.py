"""Image files become uint8 tensors: exact pixels, one channel or three, and a clear line where a file is damaged."""

import multiprocessing
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

import hashbench.data.decode as decode_module
from hashbench.data import images
from hashbench.data.decode import decode, decoding_id
from hashbench.data.spec import open_dataset
from hashbench.errors import BrokenFiles, UsageError


def noise(*shape: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def jpeg(file: Path, pixels: npt.NDArray[np.uint8]) -> Path:
    Image.fromarray(pixels).save(file, quality=90)
    return file


def test_pixels_come_in_their_own_size_and_in_the_order_of_the_files(tmp_path: Path) -> None:
    arrays = [noise(3 + number, 5, 3) for number in range(20)]
    files = [tmp_path / f"{number}.png" for number in range(20)]
    for file, array in zip(files, arrays, strict=True):
        Image.fromarray(array).save(file)
    for image, array in zip(decode(files), arrays, strict=True):
        assert image.dtype == torch.uint8
        assert image.is_contiguous()
        assert image.numpy().tolist() == array.transpose(2, 0, 1).tolist()


@pytest.mark.parametrize(("mode", "channels"), [("1", 1), ("L", 1), ("LA", 1), ("P", 3), ("RGB", 3), ("RGBA", 3)])
def test_grey_files_have_one_channel_and_all_others_three(tmp_path: Path, mode: str, channels: int) -> None:
    Image.new(mode, (4, 7)).save(tmp_path / "a.png")
    assert decode([tmp_path / "a.png"])[0].shape == (channels, 7, 4)


def test_grey_jpegs_have_one_channel_and_cmyk_ones_three(tmp_path: Path) -> None:
    Image.new("L", (4, 7), 9).save(tmp_path / "grey.jpg")
    Image.new("CMYK", (4, 7)).save(tmp_path / "print.jpg")
    grey, print_ = decode([tmp_path / "grey.jpg", tmp_path / "print.jpg"])
    assert grey.shape == (1, 7, 4)
    assert print_.shape == (3, 7, 4)
    assert set(grey.flatten().tolist()) == {9}


def test_a_jpeg_shows_what_was_saved(tmp_path: Path) -> None:
    rows, columns = np.meshgrid(np.arange(40), np.arange(60), indexing="ij")
    smooth = np.stack([4 * rows, 4 * columns, 250 - 3 * rows], axis=2).astype(np.uint8)
    (image,) = decode([jpeg(tmp_path / "a.jpg", smooth)])
    assert image.shape == (3, 40, 60)
    assert np.abs(image.numpy().transpose(1, 2, 0).astype(int) - smooth).mean() < 3


def test_transparency_is_dropped_not_blended(tmp_path: Path) -> None:
    Image.new("RGBA", (1, 1), (10, 20, 30, 0)).save(tmp_path / "a.png")
    assert decode([tmp_path / "a.png"])[0].flatten().tolist() == [10, 20, 30]


def test_the_orientation_tag_is_not_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    Image.new("RGB", (4, 7)).save(tmp_path / "a.jpg", exif=exif)
    assert decode([tmp_path / "a.jpg"])[0].shape == (3, 7, 4)


@pytest.mark.parametrize("damage", ["truncated", "text", "empty", "absent", "16 bits"])
def test_a_file_that_cannot_be_decoded_is_named_in_one_line_with_the_way_out(tmp_path: Path, damage: str) -> None:
    whole, broken = jpeg(tmp_path / "whole.jpg", noise(64, 64, 3)), tmp_path / "broken.jpg"
    if damage == "16 bits":
        Image.fromarray(noise(4, 4).astype(np.uint16) * 256).save(broken, format="png")
    elif damage != "absent":
        jpeg_bytes = whole.read_bytes()
        broken.write_bytes({"truncated": jpeg_bytes[:-900], "text": b"not found\n", "empty": b""}[damage])
    with pytest.raises(UsageError, match=r"broken\.jpg cannot be decoded \(.+\); replace it, or remove it") as caught:
        decode([whole, broken, whole])
    assert "\n" not in str(caught.value)


def test_all_files_that_cannot_be_decoded_are_named_at_once(tmp_path: Path) -> None:
    whole = jpeg(tmp_path / "whole.jpg", noise(8, 8, 3))
    for name in ("empty.jpg", "page.jpg"):
        (tmp_path / name).write_bytes(b"<html>" if name == "page.jpg" else b"")
    with pytest.raises(BrokenFiles) as caught:
        decode([tmp_path / "empty.jpg", whole, tmp_path / "page.jpg"])
    reasons = {Path(name).name: reason for name, reason in caught.value.files.items()}
    assert reasons == {"empty.jpg": "empty", "page.jpg": "no image that Pillow can identify"}


def test_a_forked_process_decodes_too(tmp_path: Path) -> None:
    files = [jpeg(tmp_path / "a.jpg", noise(8, 8, 3))]
    decode(files)  # threads of this process, which the child does not have
    process = multiprocessing.get_context("fork").Process(target=decode, args=(files,))
    process.start()
    process.join(120)
    process.kill()
    assert process.exitcode == 0


def test_images_of_our_data_sets_have_a_version_those_of_others_their_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    digits = open_dataset("digits", Path())
    before = decoding_id(digits)
    monkeypatch.setattr(images, "VERSION", 2)
    ours = decoding_id(digits)
    monkeypatch.setattr(decode_module, "is_shipped", lambda _: False)
    assert len({before, ours, decoding_id(digits)}) == 3
