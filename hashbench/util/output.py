"""Standard output and error that take every sign and survive a reader who has gone, and a full disk."""

import codecs
import io
import os
import sys
import unicodedata
from typing import TextIO

from hashbench.errors import StorageError

HANDLER = "hashbench.nearest"
ASCII = "hashbench_ascii"  # under its own name click would replace it by UTF-8
STDOUT = 1
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


def _ascii(name: str) -> codecs.CodecInfo | None:
    """What :mod:`codecs` asks for a codec: ASCII's under the name :data:`ASCII`."""
    if name != ASCII:
        return None
    own = codecs.lookup("ascii")
    return codecs.CodecInfo(
        own.encode,
        own.decode,
        own.streamreader,
        own.streamwriter,
        own.incrementalencoder,
        own.incrementaldecoder,
        ASCII,
    )


codecs.register_error(HANDLER, _replace)
codecs.register(_ascii)


class _Output(io.FileIO):
    """A file descriptor that drops what is written once its reader has gone, so that work and exit code stay.

    What cannot be written for another reason, as on a full disk, is dropped from then on too; of standard output the
    first write says so, of standard error there is nobody to tell.
    """

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        """Write, or drop.

        Raises:
            StorageError: standard output cannot be written; what is written after that is dropped.
        """
        try:
            return super().write(data) or 0
        except OSError as error:
            number = self.fileno()
            closed = os.open(os.devnull, os.O_WRONLY)
            os.dup2(closed, number)
            os.close(closed)
            if number != STDOUT or isinstance(error, BrokenPipeError):
                return len(data)
            raise StorageError(
                f"standard output cannot be written ({error.strerror}); free some space there, or write it elsewhere"
            ) from error


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
    encoding = ASCII if codecs.lookup(stream.encoding).name == "ascii" else stream.encoding
    return io.TextIOWrapper(buffer, encoding, HANDLER, line_buffering=stream.line_buffering, write_through=True)


def open_standard_streams() -> None:
    """Open those of the descriptors 0, 1 and 2 that are closed, as a daemon has them, to nothing.

    Else the next files get these numbers, and processes that are started take them for their input and output.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # it gets the lowest number that is free


def make_output_last() -> None:
    """Give this process such streams in place of ``sys.stdout`` and ``sys.stderr``."""
    open_standard_streams()
    sys.stdout, sys.stderr = _lasting(sys.stdout), _lasting(sys.stderr)
