"""Texts of other machines: byte-order marks, UTF-16, and bytes that are no UTF-8."""

import os
from pathlib import Path

import pytest

from hashbench.data.texts import read_lines, read_text
from hashbench.errors import UsageError


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom"])
def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path, encoding: str) -> None:
    text = "été.jpg 17\r\nb.jpg 3\r\n"
    content = b"\xff\xfe" + text.encode("utf-16-le") if encoding.endswith("bom") else text.encode(encoding)
    (tmp_path / "a.txt").write_bytes(content)
    assert read_text(tmp_path / "a.txt") == text
    assert read_lines(tmp_path / "a.txt") == ["été.jpg 17", "b.jpg 3"]


def test_names_of_files_in_another_encoding_stay_themselves(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"caf\xe9.jpg\n")
    assert os.fsencode(read_lines(tmp_path / "a.txt")[0]) == b"caf\xe9.jpg"
    with pytest.raises(UsageError, match=r"a.txt is not UTF-8 text \(.*\); save it as UTF-8"):
        read_text(tmp_path / "a.txt", strict=True)


@pytest.mark.parametrize("content", [b"a\0b\0", b"\xff\xfea"])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(UsageError, match=r"a.txt is not UTF-8 text"):
        read_text(tmp_path / "a.txt")


def test_blank_lines_at_the_end_count_where_they_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n 1 \n\n\n")
    assert read_lines(tmp_path / "a.txt") == ["", "1"]
    assert read_lines(tmp_path / "a.txt", at_least=3) == ["", "1", ""]
    assert read_lines(tmp_path / "a.txt", at_least=9) == ["", "1", "", ""]
