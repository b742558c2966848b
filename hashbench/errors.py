"""Errors with a one-line message for the user: the thing, its value, what was wanted, and the way out."""

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

NAMED = 10  # of many files, how many a message names
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # they end a line, or command the terminal
_LONG_WORD = re.compile(r"\S{401,}")
_WORD_CHARACTERS = 300


class UsageError(ValueError):
    """The user asked for something impossible. The command line prints the message and exits with 2.

    The message is one line whatever values of the user's it quotes, see :func:`one_line`.
    """

    def __init__(self, message: str, *details: object) -> None:
        super().__init__(one_line(message), *details)


def one_line(text: str) -> str:
    """``text`` with control characters as escapes ("\\x1b") and words of over 400 characters cut."""
    escaped = _CONTROLS.sub(lambda found: repr(found[0])[1:-1], text)
    return _LONG_WORD.sub(lambda found: f"{found[0][:_WORD_CHARACTERS]}... ({len(found[0]):,} characters)", escaped)


class BrokenFiles(UsageError):  # noqa: N818 - named for what it holds
    """Files of one pass that cannot be read or decoded; :func:`broken_files` words the message.

    Args:
        message: one line, which names the first ten.
        files: what is wrong with each, by its name.
    """

    def __init__(self, message: str, files: Mapping[str, str]) -> None:
        super().__init__(message, dict(files))  # both, so that it can be pickled

    def __str__(self) -> str:
        return str(self.args[0])

    @property
    def files(self) -> dict[str, str]:
        """What is wrong with each file, by its name."""
        return dict(self.args[1])


class StorageError(UsageError):
    """A folder cannot be written: its disk is full, it is read-only, or it is not there any more."""


class Incompatible(ValueError):  # noqa: N818 - a result, not a fault
    """A method cannot serve this request (64 bits from 32 dimensions, say). The trial is recorded as skipped."""


class ConformanceFailure(AssertionError):  # noqa: N818 - what a test of a method ends in
    """A method fails a check of its contract (:mod:`hashbench.conformance`)."""


def broken_files(kind: str, done: str, files: Mapping[str, str], advice: str) -> BrokenFiles:
    """The error that names the first ten of ``files`` and their number.

    Args:
        kind: what each is, "image".
        done: what cannot be done to them, "decoded".
        files: what is wrong with each, by its name.
        advice: the way out, with "it" for one of them: "replace it".
    """
    if len(files) == 1:
        ((name, reason),) = files.items()
        return BrokenFiles(f"the {kind} {name} cannot be {done} ({reason}); {advice}", files)
    many = re.sub(r"\bit\b", "them", advice)
    return BrokenFiles(f"{len(files):,} {kind}s cannot be {done}, {first_broken(files)}; {many}", files)


def first_broken(files: Mapping[str, str]) -> str:
    """The first ten of ``files`` with what is wrong with each, and the number of others.

    The folder that they share is named once: "in birds/: a.jpg (empty), b.jpg (empty)".
    """
    folder = ""
    if len(files) > 1 and all(map(os.path.isabs, files)):
        folder = os.path.commonpath([os.path.dirname(name) for name in files]).rstrip("/") + "/"  # noqa: PTH120
    first = ", ".join(f"{name.removeprefix(folder)} ({reason})" for name, reason in list(files.items())[:NAMED])
    rest = len(files) - NAMED
    more = f" and {rest:,} more, which `hashbench data verify --json` names" if rest > 0 else ""
    return f"in {folder}: {first}{more}" if folder else f"{first}{more}"


def in_words(error: BaseException) -> str:
    """An exception of someone else's code in one line: "SystemExit: 0", its type alone where it says nothing."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


@contextmanager
def catching_exit(what: str) -> Iterator[None]:
    """Make a UsageError of a SystemExit inside: a plugin's, which would end the program with its exit code.

    Args:
        what: whose code runs inside, for the message.

    Raises:
        UsageError: SystemExit was raised.
    """
    try:
        yield
    except SystemExit as error:
        raise UsageError(f"{what}: {in_words(error)}") from error


def unknown(kind: str, name: str, known: Iterable[str], listed: str = "") -> UsageError:
    """The error for an unknown name; names the nearest known one, then all, in the words of ``listed`` if given."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return UsageError(f"no {kind} named {name!r}{hint} (there are: {listed or ', '.join(names) or 'none'})")
