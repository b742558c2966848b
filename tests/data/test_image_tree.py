"""Image files found by the names that lists give them."""

import os
import unicodedata
from pathlib import Path

import pytest

from hashbench.data.image_tree import NearMiss, find, locate, near_misses, walk
from hashbench.errors import UsageError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for file in ("b/2.jpg", "a.jpg", "b/1.jpg", "a/c/3.jpg", ".hidden/4.jpg", "b/._1.jpg"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    return tmp_path


def test_every_file_comes_once_hidden_ones_do_not(tree: Path) -> None:
    assert list(walk(tree)) == ["a.jpg", "a/c/3.jpg", "b/1.jpg", "b/2.jpg"]


def test_links_are_followed_and_loops_end(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    disk = tmp_path_factory.mktemp("disk")
    (disk / "5.jpg").touch()
    (tree / "c").symlink_to(disk)
    (tree / "b" / "loop").symlink_to(tree)
    assert list(walk(tree)) == ["a.jpg", "a/c/3.jpg", "b/1.jpg", "b/2.jpg", "c/5.jpg"]


def test_links_to_nothing_loops_and_pipes_are_no_files(tree: Path) -> None:
    (tree / "b" / "gone.jpg").symlink_to("nowhere")
    (tree / "b" / "loop.jpg").symlink_to("loop.jpg")
    os.mkfifo(tree / "b" / "pipe.jpg")
    assert list(walk(tree)) == ["a.jpg", "a/c/3.jpg", "b/1.jpg", "b/2.jpg"]
    assert locate(tree / "b", ["1.jpg", "gone.jpg", "loop.jpg", "pipe.jpg"], [""]) == ["1.jpg", None, None, None]


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    assert list(walk(tmp_path / "nowhere")) == []


def test_the_longest_part_of_a_name_is_matched_first_and_earlier_prefixes_before_later(tree: Path) -> None:
    assert locate(tree, ["x/a/c/3.jpg", "1.jpg", "c/2.jpg", "a.jpg", "9.jpg"], ("b/", "")) == [
        "a/c/3.jpg",
        "b/1.jpg",
        "b/2.jpg",
        "a.jpg",
        None,
    ]
    (tree / "b" / "a.jpg").touch()
    assert locate(tree, ["a.jpg"], ("b/", "")) == ["b/a.jpg"]
    assert locate(tree, ["a.jpg"], ("", "b/")) == ["a.jpg"]
    assert locate(tree, ["a/c/3.jpg/../../a.jpg"], ("",)) == ["a.jpg"]


def test_a_file_is_the_image_of_one_name(tree: Path) -> None:
    with pytest.raises(
        UsageError, match=r"/b/1.jpg would be the image of both 'y/1.jpg' and 'x/1.jpg'; keep the images"
    ):
        locate(tree, ["x/1.jpg", "y/1.jpg"], ("b/",))


def test_a_stray_file_is_not_taken_for_an_image_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "images/cat").mkdir(parents=True)
    for file in ("images/cat/1.jpg", "images/1.jpg"):
        (tmp_path / file).touch()
    with pytest.raises(UsageError, match=r"would be the image of both 'images/cat/1.jpg' and 'images/dog/1.jpg'"):
        locate(tmp_path, ["images/cat/1.jpg", "images/dog/1.jpg"], ("", "images/"))


def test_a_folder_that_cannot_be_read_is_not_taken_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(UsageError, match=r"the folder .* cannot be read \(Permission denied\); make it readable"):
        list(walk(tmp_path))


NFC, NFD = (unicodedata.normalize(form, "café/été.jpg") for form in ("NFC", "NFD"))
MIXED = unicodedata.normalize("NFD", "café") + "/" + unicodedata.normalize("NFC", "été.jpg")


@pytest.mark.parametrize("on_disk", [NFC, NFD, MIXED])
@pytest.mark.parametrize("listed", [NFC, NFD, MIXED, NFD.replace("/", "\\")])
def test_unicode_forms_are_one_name(tmp_path: Path, listed: str, on_disk: str) -> None:
    (tmp_path / on_disk).parent.mkdir()
    (tmp_path / on_disk).touch()
    assert find(tmp_path, ["a.jpg", listed]) == [None, on_disk]
    assert locate(tmp_path, ["a.jpg", f"data/{listed}"], ("",)) == [None, on_disk]


def test_backslashes_are_tried_as_slashes(tree: Path) -> None:
    assert find(tree, ["a\\c\\3.jpg", "b\\9.jpg"]) == ["a/c/3.jpg", None]
    assert locate(tree, ["x\\a\\c\\3.jpg", "b\\9.jpg"], ("",)) == ["a/c/3.jpg", None]
    (tree / "b\\1.jpg").touch()
    assert find(tree, ["b\\1.jpg"]) == ["b\\1.jpg"]
    assert locate(tree, ["b\\1.jpg"], ("",)) == ["b\\1.jpg"]


def test_a_named_file_is_the_image_of_one_name(tree: Path) -> None:
    with pytest.raises(UsageError, match=r"/b/1.jpg would be the image of both 'b/1.jpg' and 'b\\\\1.jpg'; keep"):
        find(tree, ["b/1.jpg", "b\\1.jpg"])


@pytest.mark.parametrize("name", ["x" * 300 + ".jpg", "a\0.jpg", "", "a.jpg/1.jpg", "é" * 200])
def test_names_that_no_file_can_have_are_missing(tree: Path, name: str) -> None:
    assert find(tree, [name]) == [None]
    assert locate(tree, [name], ("",)) == [None]


def test_files_that_missing_images_may_mean_are_named_by_cause(tmp_path: Path) -> None:
    for file in ("one.JPG", "Two.jpg", "deep/three.jpg", "four.png", "five.jpg", "Été.jpg"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    missing = [
        "one.jpg",
        "two.jpg",
        unicodedata.normalize("NFD", "été.jpg"),
        "three.jpg",
        "four.jpg",
        "x\\five.jpg",
        "6",
    ]
    assert near_misses(tmp_path, missing, used={"five.jpg"}) == [
        NearMiss("letter case", 3, "one.jpg", "one.JPG"),
        NearMiss("another folder", 1, "three.jpg", "deep/three.jpg"),
        NearMiss("another ending", 1, "four.jpg", "four.png"),
    ]
    assert near_misses(tmp_path, [], used=set()) == []
