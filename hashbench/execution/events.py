"""Events that an executor sends while trials run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hashbench.features.parts import Stamp


@dataclass(frozen=True)
class Event:
    """A change in a running trial.

    Attributes:
        key: the trial's; empty for a warning.
        kind: "started", "phase" (name in ``text``), "note" (a line in ``text``), "epoch" (done, total, values),
            "verified" (stamps of feature files, for the trials to come), "finished" (status in ``text``), "recorded"
            (by another run on the folder; status in ``text``), "unwritten" (a line on the folder that the record
            cannot be written to), "warning" (a line on the machine, before the first trial), or "rates" (the trial is
            measured as number ``done`` of ``total``, after all trials have ended).
        device_bytes: memory of the GPU that the trial has taken, with phases and epochs; 0 on other devices.
        reason: of a trial that did not end well, and where its traceback is, in one line.
    """

    key: str
    kind: str
    text: str = ""
    done: int = 0
    total: int = 0
    values: Mapping[str, float] = field(default_factory=dict)
    verified: Mapping[str, Stamp] = field(default_factory=dict)
    device_bytes: int = 0
    reason: str = ""


OnEvent = Callable[[Event], None]
