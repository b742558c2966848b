"""Errors with a one-line message for the user: the thing, its value, what was wanted, and the way out."""

import difflib
from collections.abc import Iterable


class UsageError(ValueError):
    """The user asked for something impossible. The command line prints the message and exits with 2."""


class Incompatible(ValueError):  # noqa: N818 - a result, not a fault
    """A method cannot serve this request (64 bits from 32 dimensions, say). The trial is recorded as skipped."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for an unknown name; names the nearest known one, then all."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return UsageError(f"no {kind} named {name!r}{hint} (there are: {', '.join(names) or 'none'})")
