"""Reads text files that come from other machines: byte-order marks, UTF-16 and bytes that are no UTF-8."""

import codecs
import re
from pathlib import Path

from hashbench.errors import UsageError

UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
LINE_END = re.compile(r"\r\n|\n|\r")


def read_text(file: Path, strict: bool = False) -> str:
    """The text of a file without its byte-order mark: UTF-16 where the mark says so, as spreadsheets do, or UTF-8.

    Args:
        file: the file.
        strict: refuse bytes that are no UTF-8; otherwise they become lone surrogates, as in names of files.

    Raises:
        UsageError: the file cannot be read, or is no such text.
    """
    try:
        content = file.read_bytes()
    except (OSError, ValueError) as error:  # ValueError for a name with a zero byte
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{file} cannot be read ({why}); make it readable, or name another") from None
    try:
        if content.startswith(UTF16_MARKS):
            return content.decode("utf-16")
        text = content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "strict" if strict else "surrogateescape")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8 text ({error.reason}); save it as UTF-8") from None
    if "\0" in text:
        raise UsageError(f"{file} is not UTF-8 text (it has zero bytes); save it as UTF-8")
    return text


def read_lines(file: Path, at_least: int = 0) -> list[str]:
    """The lines of a text, without blanks at their ends.

    Args:
        file: the file.
        at_least: blank lines at the end count up to this number of lines.

    Raises:
        UsageError: the file cannot be read, or is no text.
    """
    lines = [line.strip() for line in LINE_END.split(read_text(file))]
    if lines and not lines[-1]:
        lines.pop()  # behind the last line's end
    while len(lines) > at_least and not lines[-1]:
        lines.pop()
    return lines
