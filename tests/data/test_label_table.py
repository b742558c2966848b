"""CSV files of labels: what separates cells and labels is recognised or asked for."""

import unicodedata
from pathlib import Path

import pytest

from hashbench.data.label_cells import Kind
from hashbench.data.label_table import LabelTable, read_label_table
from hashbench.errors import UsageError


def read(
    folder: Path, text: str, kind: Kind | None = None, separator: str | None = None, encoding: str = "utf-8"
) -> LabelTable:
    file = folder / "labels.csv"
    file.write_bytes(text.encode(encoding))
    return read_label_table(file, kind, separator)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_cells_are_separated_as_the_header_is(tmp_path: Path, delimiter: str, encoding: str) -> None:
    text = 'Path,Labels,split\r\na.jpg,owl,query\r\nb.jpg,"jay;owl",database\r\n'.replace(",", delimiter)
    table = read(tmp_path, text, encoding=encoding)
    assert table.paths == ["a.jpg", "b.jpg"]
    assert table.labels == [("owl",), ("jay", "owl")]
    assert table.splits == ["query", "database"]


def test_the_hint_of_a_spreadsheet_is_no_header(tmp_path: Path) -> None:
    assert read(tmp_path, "sep=;\r\npath;labels\r\na.jpg;owl\r\n").labels == [("owl",)]
    with pytest.raises(UsageError, match=r"labels.csv:4: 'a.jpg' is on line 3 as well"):
        read(tmp_path, "sep=;\r\npath;labels\r\na.jpg;owl\r\na.jpg;owl\r\n")


@pytest.mark.parametrize("separator", [",", "|"])
def test_labels_with_another_separator_are_asked_about(tmp_path: Path, separator: str) -> None:
    text = f'path,labels\na.jpg,owl\nb.jpg,"owl{separator} jay"\n'
    with pytest.raises(
        UsageError, match=rf"labels.csv:3: labels are 'owl.* jay', .*separator = \"\{separator}\" to take"
    ):
        read(tmp_path, text)
    assert read(tmp_path, text, separator=separator).labels == [("owl",), ("jay", "owl")]
    assert read(tmp_path, text, separator=";").labels == [("owl",), (f"owl{separator} jay",)]


def test_blanks_separate_labels_where_the_user_says_so(tmp_path: Path) -> None:
    assert read(tmp_path, "path,labels\na.jpg,owl  jay\n", separator=" ").labels == [("jay", "owl")]


def test_a_semicolon_shows_what_separates_labels(tmp_path: Path) -> None:
    table = read(tmp_path, 'path,labels\na.jpg,"Washington, D.C.;owl"\nb.jpg,"Paris, Texas"\n')
    assert table.labels == [("Washington, D.C.", "owl"), ("Paris, Texas",)]


@pytest.mark.parametrize(
    "cells", ["1 0 1/0 1 0", "1;0;1/0;1;0", '"1,0,1"/"0,1,0"', '"[1, 0, 1]"/"[0, 1, 0]"', "1.0 0.0 1.0/0 1 0"]
)
def test_zeros_and_ones_in_all_cells_are_labels_column_by_column(tmp_path: Path, cells: str) -> None:
    first, second = cells.split("/")
    table = read(tmp_path, f"path,labels\na.jpg,{first}\nb.jpg,{second}\nc.jpg,\n")
    assert table.labels == [("column 1", "column 3"), ("column 2",), ()]


def test_what_labels_are_can_be_said(tmp_path: Path) -> None:
    text = "path,labels\na.jpg,1 0 1\nb.jpg,0 1 1\n"
    assert read(tmp_path, text, "names").labels == [("1 0 1",), ("0 1 1",)]
    assert read(tmp_path, "path,labels\na.jpg,0\nb.jpg,1\n").labels == [("0",), ("1",)]
    assert read(tmp_path, "path,labels\na.jpg,0\nb.jpg,1\n", "multi-hot").labels == [(), ("column 1",)]
    with pytest.raises(UsageError, match=r"labels.csv:3: labels are 'owl', wanted 0 or 1 for each label"):
        read(tmp_path, "path,labels\na.jpg,0 1\nb.jpg,owl\n", "multi-hot")
    with pytest.raises(
        UsageError, match=r"labels.csv:3: 0 or 1 for each of 3 labels in .0 1 1., the lines before have 2"
    ):
        read(tmp_path, "path,labels\na.jpg,0 1\nb.jpg,0 1 1\n", "multi-hot")


def test_a_column_for_each_class_takes_the_place_of_labels(tmp_path: Path) -> None:
    table = read(tmp_path, "path,owl,jay,split\na.jpg,1,0,query\nb.jpg,1.0,1,train\nc.jpg,,0,database\n")
    assert table.labels == [("owl",), ("jay", "owl"), ()]
    assert table.splits == ["query", "train", "database"]
    with pytest.raises(
        UsageError, match=r":1: no column named 'label'; did you mean 'labels'.*line 2 has 'owl' in 'label'"
    ):
        read(tmp_path, "path,label,splits\na.jpg,owl,query\n")
    with pytest.raises(UsageError, match=r":1: no column named 'owl'"):
        read(tmp_path, "path,labels,owl\na.jpg,owl,1\n")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_quotes_behind_a_blank_are_quotes(tmp_path: Path, delimiter: str) -> None:
    text = 'path, labels, split\n"a.jpg", "owl;night", query\nb.jpg, "night;owl", "database"\nc.jpg,owl, database\n'
    table = read(tmp_path, text.replace(",", delimiter))
    assert table.labels == [("night", "owl"), ("night", "owl"), ("owl",)]
    assert table.splits == ["query", "database", "database"]


@pytest.mark.parametrize("separator", [None, ",", ";"])
@pytest.mark.parametrize("cell", ["['owl', 'jay']", "['owl' 'jay']", "['owl']", "('owl', 'jay')", "{'owl', 'jay'}"])
def test_a_list_of_python_is_pointed_out(tmp_path: Path, cell: str, separator: str | None) -> None:
    with pytest.raises(UsageError, match=r"labels.csv:3: labels are .*, a list as Python prints it; write them as in"):
        read(tmp_path, f'path,labels\na.jpg,[]\nb.jpg,"{cell}"\n', separator=separator)


def test_brackets_without_labels_are_a_distractor_and_others_part_of_names(tmp_path: Path) -> None:
    assert read(tmp_path, "path,labels\na.jpg,[]\nb.jpg,owl\nc.jpg,(big) owl\n").labels == [
        (),
        ("owl",),
        ("(big) owl",),
    ]
    assert read(tmp_path, "path,labels\na.jpg,[owl]\n", "names").labels == [("[owl]",)]


def test_a_missing_header_is_pointed_out(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"labels.csv:1: 'a.jpg' is no header; write path,labels or"):
        read(tmp_path, "a.jpg,owl\nb.jpg,jay\n")


def test_a_class_that_looks_like_several_is_pointed_out(tmp_path: Path) -> None:
    rows = ["owl", "jay", "owl jay", "owl and jay", "jay/owl", "golden eagle"]
    text = "\n".join(["path,labels", *(f"{number}.jpg,{row}" for number, row in enumerate(rows))])
    notes = read(tmp_path, text).notes
    assert [note.partition(" looks")[0] for note in notes] == [
        "the class 'jay/owl'",
        "the class 'owl and jay'",
        "the class 'owl jay'",
    ]
    assert 'separate labels by ;, or say by what they are in the TOML file, as in separator = " "' in notes[-1]
    assert read(tmp_path, text, separator=";").notes == []


def test_classes_that_may_be_the_same_are_pointed_out(tmp_path: Path) -> None:
    text = "\n".join(
        ["path,labels", *(f"{row}.jpg,{name}" for row, name in enumerate(["Owl", "owl", "3", "3.0", "03", "30"]))]
    )
    assert read(tmp_path, text, separator=";").notes == [
        "classes that may be the same: '03' and '3', '03' and '3.0', 'Owl' and 'owl'; "
        "images of one do not match the other"
    ]
    assert read(tmp_path, "path,labels\na.jpg,3.0\nb.jpg,17.0\n").notes == []


def test_unicode_forms_are_one_label_and_one_path(tmp_path: Path) -> None:
    nfc, nfd = (unicodedata.normalize(form, "été") for form in ("NFC", "NFD"))
    table = read(tmp_path, f"path,labels\na.jpg,{nfc}\nb.jpg,{nfd}\n{nfd}.jpg,{nfd};{nfc}\n")
    assert table.classes() == (nfc,)
    assert table.paths[2] == f"{nfc}.jpg"
    with pytest.raises(UsageError, match=r"is on line 2 as well; remove one"):
        read(tmp_path, f"path,labels\n{nfc}.jpg,owl\n{nfd}.jpg,owl\n")


@pytest.mark.parametrize(
    "path", ["..\\a.jpg", "sub\\..\\..\\a.jpg", "C:\\pictures\\a.jpg", "\\\\server\\a.jpg", "C:/a.jpg"]
)
def test_backslashes_lead_out_of_the_folder_no_more_than_slashes(tmp_path: Path, path: str) -> None:
    with pytest.raises(
        UsageError, match=r"labels.csv:2: .* leaves the folder of the images; write its path from there"
    ):
        read(tmp_path, f"path,labels\n{path},owl\n")


def test_zeros_and_ones_of_different_lengths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"labels.csv:3: 0 or 1 for each of 2 labels in '1 0', the lines before have 3"
    ):
        read(tmp_path, "path,labels\na.jpg,1 0 1\nb.jpg,1 0\n")


def test_several_numbers_in_a_cell_are_asked_about(tmp_path: Path) -> None:
    text = "path,labels\na.jpg,0 5\nb.jpg,5\nc.jpg,[12]\n"
    with pytest.raises(UsageError, match=r"labels.csv:2: labels are '0 5', which may be one name or several numbers"):
        read(tmp_path, text.replace("[12]", "12"))
    assert read(tmp_path, text, "names").labels == [("0 5",), ("5",), ("[12]",)]
    assert read(tmp_path, text, separator=";").labels == [("0 5",), ("5",), ("[12]",)]


@pytest.mark.parametrize("cell", ["3 17", "17;3", '"3, 17"', "3|17", '"[3, 17]"', "3.0 17.0", "03 17"])
def test_class_numbers_are_numbers_however_they_are_separated(tmp_path: Path, cell: str) -> None:
    table = read(tmp_path, f"path,labels\na.jpg,{cell}\nb.jpg,3\nc.jpg,\n", "class-numbers")
    assert table.labels == [("17", "3"), ("3",), ()]


@pytest.mark.parametrize("cell", ["owl", "-1", "1.5", "3 owl"])
def test_class_numbers_are_checked(tmp_path: Path, cell: str) -> None:
    with pytest.raises(UsageError, match=rf"labels.csv:3: labels are '{cell}', wanted whole class numbers"):
        read(tmp_path, f"path,labels\na.jpg,3\nb.jpg,{cell}\n", "class-numbers")
