"""Errors with a one-line message for the user: the thing, its value, what was wanted, and the way out."""

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class UsageError(ValueError):
    """The user asked for something impossible. The command line prints the message and exits with 2."""


class StorageError(UsageError):
    """A folder cannot be written: its disk is full, it is read-only, or it is not there any more."""


class Incompatible(ValueError):  # noqa: N818 - a result, not a fault
    """A method cannot serve this request (64 bits from 32 dimensions, say). The trial is recorded as skipped."""


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


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for an unknown name; names the nearest known one, then all."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return UsageError(f"no {kind} named {name!r}{hint} (there are: {', '.join(names) or 'none'})")
