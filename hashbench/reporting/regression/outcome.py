"""The interface that the reports of both checks, of scores and of rates, share; all text is fit to print."""

from collections.abc import Sequence
from typing import Protocol


class Item(Protocol):
    """One judged figure, or a cell that could not be judged."""

    @property
    def table_name(self) -> str:
        """The cell's table."""

    @property
    def label(self) -> str:
        """Which figure of which cell."""

    @property
    def verdict(self) -> str:
        """One word."""

    @property
    def failing(self) -> bool:
        """Whether it makes the check fail."""

    @property
    def sentence(self) -> str:
        """A sentence on what happened, without the label."""


class Outcome(Protocol):
    """All of them."""

    @property
    def findings(self) -> Sequence[Item]:
        """In the order of their cells."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What else a reader should know, a line each."""

    @property
    def exit_code(self) -> int:
        """0 passed, 1 failed, 3 nothing to compare."""

    @property
    def summary(self) -> str:
        """One line for all."""
