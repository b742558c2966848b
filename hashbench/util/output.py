"""Standard output and error that take every sign and survive a reader who has gone."""

import codecs
import io
import os
import sys
import unicodedata
from typing import TextIO

HANDLER = "hashbench.nearest"
_NEAREST = {
    "±": "+-",
    "≈": "~",
    "†": "*",
    "–": "-",
    "—": "-",
    "−": "-",
    "─": "-",
    "·": "-",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "…": "...",
    "×": "x",
    "→": "->",
    "★": "*",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
}


def encodable(text: str, encoding: str) -> str:
    """The text as that encoding can hold it: other signs become the nearest it has, or escapes."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(_nearest(sign, encoding) for sign in text)
    return text


def _nearest(sign: str, encoding: str) -> str:
    for spelt in (sign, _NEAREST.get(sign, ""), unicodedata.normalize("NFKD", sign)[:1]):
        try:
            spelt.encode(encoding)
        except UnicodeEncodeError:
            continue
        if spelt:
            return spelt
    return sign.encode("unicode_escape", "surrogatepass").decode("ascii")


def _replace(error: UnicodeError) -> tuple[str, int]:
    """What :mod:`codecs` asks of an error handler."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return encodable(error.object[error.start : error.end], error.encoding), error.end


codecs.register_error(HANDLER, _replace)


class _Output(io.FileIO):
    """A file descriptor that drops what is written once its reader has gone, so that work and exit code stay."""

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        """Write, or drop."""
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            closed = os.open(os.devnull, os.O_WRONLY)
            os.dup2(closed, self.fileno())
            os.close(closed)
            return len(data)


def _lasting(stream: TextIO) -> TextIO:
    """``stream`` with both properties; another object, as a test puts in its place, as it is."""
    if not isinstance(stream, io.TextIOWrapper) or isinstance(getattr(stream.buffer, "raw", None), _Output):
        return stream
    try:
        descriptor = stream.fileno()
    except OSError:
        return stream
    stream.flush()
    buffer = io.BufferedWriter(_Output(descriptor, "wb", closefd=False))  # type: ignore[type-var]
    return io.TextIOWrapper(buffer, stream.encoding, HANDLER, line_buffering=stream.line_buffering, write_through=True)


def make_output_last() -> None:
    """Give this process such streams in place of ``sys.stdout`` and ``sys.stderr``."""
    sys.stdout, sys.stderr = _lasting(sys.stdout), _lasting(sys.stderr)
