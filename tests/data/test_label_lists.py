"""Lists of images with labels: what a line's path and labels are, what its numbers mean, and which files they are."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from hashbench.data.label_lists import LabelList, read_label_column, read_label_files, read_label_list
from hashbench.data.list_files import ListFile, list_files
from hashbench.data.list_labels import class_names, class_numbers, kind_of, multi_hot
from hashbench.errors import UsageError


def listed(*rows: str) -> LabelList:
    """A list whose images have these labels."""
    return LabelList(
        Path("a.txt"), [f"{number}.jpg" for number in range(len(rows))], list(rows), [*range(1, len(rows) + 1)]
    )


def written(folder: Path, text: str, name: str = "a.txt") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("line", "path", "row"),
    [
        ("images/7.jpg 0 1 0", "images/7.jpg", "0 1 0"),
        ("\ufeffimages/7.jpg\t17", "images/7.jpg", "17"),
        ("./my pictures/img 2.jpg 17", "my pictures/img 2.jpg", "17"),
        ("train\\n01440764\\x.JPEG  3   25 ", "train\\n01440764\\x.JPEG", "3 25"),
        ("7.jpg,0,1", "7.jpg", "0 1"),
        ("7.jpg;17", "7.jpg", "17"),
        ("7.jpg 1.0 0.0 1.000000000000000000e+00", "7.jpg", "1 0 1"),
        ("7.jpg 007", "7.jpg", "7"),
        ("7.jpg -1", "7.jpg", "-1"),
        ("17 3", "17", "3"),
        ("7.jpg 0.5 1", "7.jpg 0.5", "1"),
        (unicodedata.normalize("NFD", "été.jpg 3"), "été.jpg", "3"),
    ],
)
def test_labels_are_the_whole_numbers_at_the_end_of_a_line(tmp_path: Path, line: str, path: str, row: str) -> None:
    found = read_label_list(written(tmp_path, f"{line}\r\n\r\n"))
    assert (found.paths, found.rows, found.lines) == ([path], [row], [1])


def test_a_long_line_is_read_in_a_moment(tmp_path: Path) -> None:
    row = "0 1 2 " * 20_000
    assert len(read_label_list(written(tmp_path, f"a.jpg {row}")).rows[0].split()) == 60_000
    with pytest.raises(UsageError, match=r"a.txt:1: 'a.jpg 0 1 2 .*', wanted a path, a space and labels"):
        read_label_list(written(tmp_path, f"a.jpg {row} x"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "a.jpg\nb.jpg\n",
            r"a.txt:1: 'a.jpg', wanted a path.*in a file of their own are named with it, as in query = ",
        ),
        (
            "a.jpg 1\nb.jpg owl\n",
            r"a.txt:2: 'b.jpg owl', wanted a path, a space and labels, say 'images/7.jpg 0 1 0' or",
        ),
        ("a.jpg 1\n\n./a.jpg 2\n", r"a.txt:3: 'a.jpg' is on line 1 as well; remove one"),
        ("17\n", r"a.txt:1: '17', wanted a path"),
        ("\n\n", r"a.txt is empty, wanted lines such as"),
    ],
)
def test_lists_that_cannot_be_are_refused_in_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=rf"^\S*{complaint}.*$"):
        read_label_list(written(tmp_path, text))


def test_paths_and_labels_may_be_in_two_files(tmp_path: Path) -> None:
    names = written(tmp_path, "a.jpg\nmy b.jpg\nc.jpg\n", "names.txt")
    found = read_label_files(names, written(tmp_path, "0 2 20\n\n7\n\n\n"))
    assert (found.paths, found.rows, found.lines) == (["a.jpg", "my b.jpg", "c.jpg"], ["0 2 20", "", "7"], [1, 2, 3])
    assert read_label_files(names, written(tmp_path, "1\n2\n\n")).rows == ["1", "2", ""]


@pytest.mark.parametrize(
    ("names", "labels", "complaint"),
    [
        (
            "a.jpg\nb.jpg\n",
            "1\n",
            r"a.txt has 1 lines, \S*names.txt has 2; give two files that belong together, line by",
        ),
        ("a.jpg\n", "1\n2\n", r"a.txt has 2 lines, \S*names.txt has 1; give two files"),
        ("a.jpg\n\nb.jpg\n", "1\n2\n3\n", r"names.txt:2: a blank line, wanted the path of an image"),
        ("a.jpg\n", "owl\n", r"a.txt:1: 'owl', wanted whole numbers, say '0 1 0' or '17'"),
        ("a.jpg\na.jpg\n", "1\n1\n", r"names.txt:2: 'a.jpg' is on line 1 as well; remove one"),
    ],
)
def test_two_files_that_do_not_fit_are_refused(tmp_path: Path, names: str, labels: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=rf"^\S*{complaint}.*$"):
        read_label_files(written(tmp_path, names, "names.txt"), written(tmp_path, labels))


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        (("0 1 0", "0 0 0", "1 0 0"), "multi-hot"),
        (("1 0", "0 1"), "multi-hot"),
        (("0", "17", "1"), "class-numbers"),
        (("0", "", "2"), "class-numbers"),
    ],
)
def test_numbers_with_one_meaning_have_it(rows: Sequence[str], kind: str) -> None:
    assert kind_of([listed(*rows)]) == kind


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (
            ("0", "1", "1"),
            r"each line has one label, 0 or 1, as in '0.jpg 0': the number of a class, or whether .* Set",
        ),
        (("1", "1"), r"Set labels = \"class-numbers\" or labels = \"multi-hot\" in the TOML file"),
        (
            ("0 1", "3 17"),
            r"several numbers, not all of them 0 or 1, as in '1.jpg 3 17'; set labels = \"class-numbers\"",
        ),
        (("0", "3 17", "2"), r"several numbers"),
        (("", ""), r"no line has a label"),
    ],
)
def test_numbers_with_several_meanings_are_asked_about(rows: Sequence[str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        kind_of([listed(*rows)])


@pytest.mark.parametrize("row", ["100", "1", "0 1 1", "", "1 2", "-1 0"])
def test_other_numbers_among_zeros_and_ones_are_refused_with_their_line(row: str) -> None:
    with pytest.raises(
        UsageError, match=r"^a.txt:2: (wanted a path, a space and labels of 0 or 1|[13] labels, the lines)"
    ):
        multi_hot([listed("0 1", row)])


def test_one_list_of_zeros_and_ones_means_what_the_others_show() -> None:
    assert kind_of([listed("0", "1"), listed("0", "9")]) == "class-numbers"


def test_class_zero_is_a_class(tmp_path: Path) -> None:
    (labels, more), known = class_numbers([listed("0", "17", ""), listed("3 17")])
    assert known == [0, 3, 17]
    assert labels.astype(int).tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert more.astype(int).tolist() == [[0, 1, 1]]
    assert class_names(None, known, "class-numbers") == ("0", "3", "17")
    (hot,) = multi_hot([listed("0 1", "1 1")])
    assert hot.dtype == np.bool_
    assert hot.astype(int).tolist() == [[0, 1], [1, 1]]


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (("0", "-1"), r"a.txt:2: class number -1, wanted 0 or more"),
        (("0 1 0",), r"a.txt:1: a class number comes twice"),
    ],
)
def test_numbers_that_no_class_can_have_are_refused(rows: Sequence[str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        class_numbers([listed(*rows)])


@pytest.mark.parametrize(
    ("names", "known", "wanted"),
    [
        ("owl\njay\nkite\n", [0, 2], ("owl", "kite")),
        ("owl\njay\nkite\n", [1, 3], ("owl", "kite")),
        ("\ufeffn01440764 tench, Tinca tinca\n\n", [0], ("n01440764 tench, Tinca tinca",)),
    ],
)
def test_names_of_classes_begin_at_zero_or_one_as_their_number_shows(
    tmp_path: Path, names: str, known: list[int], wanted: tuple[str, ...]
) -> None:
    assert class_names(written(tmp_path, names), known, "class-numbers") == wanted


def test_names_that_do_not_fit_the_classes_are_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "owl\njay\n")
    with pytest.raises(
        UsageError, match=r"a.txt has 2 names, wanted 5 \(of classes 0 to 4\) or 4 \(of classes 1 to 4\)"
    ):
        class_names(file, [1, 4], "class-numbers")
    with pytest.raises(UsageError, match=r"a.txt has 2 names, wanted one for each of the lists' 3 columns"):
        class_names(file, [1, 2, 3], "multi-hot")
    with pytest.raises(UsageError, match=r"a.txt has the name 'owl' twice"):
        class_names(written(tmp_path, "owl\nowl\n"), [0, 1], "class-numbers")


@pytest.mark.parametrize(
    ("files", "parts"),
    [
        (("database.txt", "test.txt", "train.txt"), {"database": ("database.txt", None), "query": ("test.txt", None)}),
        (("db.txt", "query.txt"), {"database": ("db.txt", None), "query": ("query.txt", None)}),
        (
            ("database_img.txt", "database_label.txt", "database_label_onehot.txt", "test_img.txt", "test_label.txt"),
            {
                "database": ("database_img.txt", "database_label_onehot.txt"),
                "query": ("test_img.txt", "test_label.txt"),
            },
        ),
        (("Database.TXT", "test.txt", "notes.md"), {"database": ("Database.TXT", None), "query": ("test.txt", None)}),
    ],
)
def test_lists_are_found_by_the_names_that_papers_give_them(
    tmp_path: Path, files: Sequence[str], parts: dict[str, tuple[str, str | None]]
) -> None:
    for name in files:
        written(tmp_path, "a.jpg 3\n", name)
    found = list_files(tmp_path)
    for part, (paths, labels) in parts.items():
        assert found[part] == ListFile(tmp_path / paths, tmp_path / labels if labels else None)
    assert ("train" in found) == ("train.txt" in files)


def test_names_beside_their_labels_are_told_from_whole_lists(tmp_path: Path) -> None:
    for part in ("database", "test"):
        written(tmp_path, "a.jpg\n", f"{part}.txt")
        written(tmp_path, "3\n", f"{part}_label.txt")
    assert list_files(tmp_path)["query"] == ListFile(tmp_path / "test.txt", tmp_path / "test_label.txt")
    written(tmp_path, "a.jpg 3\n", "test.txt")
    assert list_files(tmp_path)["query"] == ListFile(tmp_path / "test.txt")


def test_a_folder_without_the_lists_says_what_it_has(tmp_path: Path) -> None:
    written(tmp_path, "a.jpg 3\n", "val.txt")
    with pytest.raises(
        UsageError, match=r"has no database list database.txt \(there are: val.txt\); name the lists in"
    ):
        list_files(tmp_path)
    written(tmp_path, "a.jpg 3\n", "db.txt")
    written(tmp_path, "a.jpg 3\n", "gallery.txt")
    with pytest.raises(
        UsageError, match=r"has 'db.txt' and 'gallery.txt' for the database list; name the lists, as in"
    ):
        list_files(tmp_path)


def test_a_column_of_labels_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    assert read_label_column(written(tmp_path, "\ufeff0\r\n1\r\n"), 2, "list").tolist() == [False, True]


@pytest.mark.parametrize("line", ["7.jpg,0 1 0", "7.jpg;0 1 0", "7.jpg, 0 1 0", "7.jpg,0,1,0"])
def test_a_label_behind_a_comma_is_no_part_of_the_path(line: str, tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text(f"{line}\n")
    read = read_label_list(file)
    assert (read.paths, read.rows) == (["7.jpg"], ["0 1 0"])
