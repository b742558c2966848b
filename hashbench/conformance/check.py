"""What a check is: a function that looks at a method and returns what is wrong with it."""

from collections.abc import Callable
from dataclasses import dataclass

from hashbench.conformance.subject import Subject


class Inapplicable(Exception):  # noqa: N818 - a result, not a fault
    """The check has nothing to look at in this method; the message says why."""


@dataclass(frozen=True)
class Check:
    """A named check.

    Attributes:
        name: in plain words with dashes.
        wanted: the sentence that has to be true of the method.
        way_out: what to do where it is not.
        look: returns what was seen where it is not true, else None.
    """

    name: str
    wanted: str
    way_out: str
    look: Callable[[Subject], str | None]

    def message(self, seen: str) -> str:
        """One line: what was seen, what was wanted, the way out."""
        return f"{seen}; wanted: {self.wanted}; {self.way_out}"


def check(way_out: str) -> Callable[[Callable[[Subject], str | None]], Check]:
    """Make a check of a function, named as it is, whose docstring is the sentence that has to be true."""

    def make(look: Callable[[Subject], str | None]) -> Check:
        sentence = " ".join((look.__doc__ or "").split()).rstrip(".")
        return Check(look.__name__.replace("_", "-"), sentence[:1].lower() + sentence[1:], way_out, look)

    return make
