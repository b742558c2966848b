"""Errors that carry one line for the user: what, which value, what was wanted, the way out."""

import difflib
from collections.abc import Iterable


class UsageError(ValueError):
    """The request cannot be carried out as it stands. The command line prints its one line and exits with 2."""


class Incompatible(ValueError):  # noqa: N818 - an answer, not a fault
    """A method cannot serve this request (64 bits from 32 dimensions, say). The trial is recorded as skipped."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a name that does not exist, with the nearest one and all that do."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return UsageError(f"no {kind} named {name!r}{hint} (there are: {', '.join(names) or 'none'})")
