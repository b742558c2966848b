"""What the stand-in for a GPU saw: waits for the device, mixed devices, and other things that cost time there."""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).parents[2]
OWN = (str(ROOT / "hashbench"), str(ROOT / "methods"))
WAIT = "wait"
UPLOAD = "upload in a step"
GENERATOR = "CPU generator for a GPU tensor"
MASK = "index on the CPU for a GPU tensor"
FLOAT64 = "float64 on the GPU"
MIXED = "tensors on different devices"


@dataclass(frozen=True)
class Finding:
    """One thing that was seen.

    Attributes:
        kind: one of this module's kinds.
        place: where the code stands, "nets/neighbours.py:block": file and function.
        line: its number.
        operation: of torch.
    """

    kind: str
    place: str
    line: int
    operation: str

    def __str__(self) -> str:
        return f"{self.place}, line {self.line}: {self.kind} ({self.operation})"


class MixedDevices(RuntimeError):  # noqa: N818 - named after what is wrong
    """An operation got tensors of different devices, which a GPU refuses."""


class Findings:
    """All that was seen in one run.

    Args:
        watched: files and folders beside the engine's and the methods' whose code is named.
    """

    def __init__(self, watched: tuple[str, ...] = ()) -> None:
        self.seen: list[Finding] = []
        self._own = (*OWN, *watched)

    def add(self, kind: str, operation: object) -> Finding:
        """Note what the code that is running now did."""
        found = self._finding(kind, operation)
        self.seen.append(found)
        return found

    def counts(self) -> Counter[tuple[str, str]]:
        """How often each kind was seen at each place."""
        return Counter((each.kind, each.place) for each in self.seen)

    def in_step(self) -> bool:
        """Whether a training step is running: a function called step, of run_epochs."""
        return any(frame.f_code.co_name == "step" for frame in self._own_frames())

    def _finding(self, kind: str, operation: object) -> Finding:
        frame = next(self._own_frames(), None)
        if frame is None:
            return Finding(kind, "somewhere else", 0, str(operation))
        code, file = frame.f_code, Path(frame.f_code.co_filename)
        name = code.co_qualname.partition(".<locals>")[0].rpartition(".")[2]  # of a comprehension or an inner function
        return Finding(kind, f"{file.parent.name}/{file.name}:{name}", frame.f_lineno, str(operation))

    def _own_frames(self) -> Iterator[FrameType]:
        """Frames of the engine, of methods and of what is watched, the innermost first."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename.startswith(self._own):
                yield frame
            frame = frame.f_back
