"""Image files found by the names that lists give them."""

from pathlib import Path

import pytest

from hashbench.data.image_tree import locate, walk
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
