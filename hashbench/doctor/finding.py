"""What an examination finds."""

from dataclasses import dataclass
from typing import Literal

State = Literal["fine", "note", "fault"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        about: what, in a word or two.
        state: "fine"; "note": something is not there that only some runs need; "fault": the default run would not work.
        words: what was found.
        way_out: what to do about it; empty where it is fine, or ``words`` say it.
    """

    about: str
    state: State
    words: str
    way_out: str = ""
