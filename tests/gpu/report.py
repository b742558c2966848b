"""What a run on a GPU has shown so far: printed line by line, and written to JSON and Markdown after each."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hashbench.util.files import replacing


@dataclass(frozen=True)
class Line:
    """One thing that was seen.

    Attributes:
        name: what it is.
        value: a figure, or a word.
        unit: of the figure.
        good: whether it is as it has to be; None where nothing is wanted.
        note: how it was measured, or why it is not good.
    """

    name: str
    value: float | str
    unit: str = ""
    good: bool | None = None
    note: str = ""

    def text(self) -> str:
        """The line for a person."""
        value = f"{self.value:,.4g}" if isinstance(self.value, float) else str(self.value)
        mark = {True: "ok", False: "WRONG", None: "-"}[self.good]
        return f"{mark:5} {self.name}: {value} {self.unit}".rstrip() + (f" ({self.note})" if self.note else "")


class Report:
    """Lines in the order in which they came, kept on disk as they come.

    Args:
        stem: path of both files without their endings.
        machine: what is written above the lines.
    """

    def __init__(self, stem: Path, machine: dict[str, Any]) -> None:
        self._stem, self._machine, self._start = stem, machine, time.perf_counter()
        self._lines: list[tuple[str, float, Line]] = []
        stem.parent.mkdir(parents=True, exist_ok=True)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.perf_counter() - self._start

    @property
    def wrong(self) -> int:
        """How many lines are not as they have to be."""
        return sum(line.good is False for _, _, line in self._lines)

    def add(self, part: str, line: Line) -> None:
        """Print a line and write both files anew."""
        self._lines.append((part, round(self.seconds, 1), line))
        print(f"{self.seconds:6.1f} s  {part}: {line.text()}", flush=True)
        rows = [{"part": part, "at_seconds": at, **asdict(line)} for part, at, line in self._lines]
        self._write(".json", json.dumps({"machine": self._machine, "lines": rows}, indent=1) + "\n")
        self._write(".md", self._markdown())

    def _write(self, ending: str, text: str) -> None:
        with replacing(self._stem.with_suffix(ending)) as work:
            work.write_text(text)

    def _markdown(self) -> str:
        """A line for the machine and a table."""
        lines = [", ".join(f"{name} {value}" for name, value in self._machine.items()) + ".", ""]
        lines += ["| part | | value | | as wanted | |", "| --- | --- | ---: | --- | --- | --- |"]
        for part, _, line in self._lines:
            value = f"{line.value:,.4g}" if isinstance(line.value, float) else line.value
            good = {True: "yes", False: "no", None: ""}[line.good]
            lines.append(f"| {part} | {line.name} | {value} | {line.unit} | {good} | {line.note} |")
        return "\n".join(lines) + "\n"
