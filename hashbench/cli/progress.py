"""Progress of a grid: a live display on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from hashbench.execution.events import Event, OnEvent
from hashbench.planning.plan import Plan


@contextmanager
def progress(plan: Plan) -> Iterator[OnEvent]:
    """A function that shows the events of the plan's trials on standard error."""
    console = Console(stderr=True)
    for note in plan.notes:
        console.print(note, highlight=False, markup=False, soft_wrap=True)
    for entry in plan.entries:
        if not entry.run and entry.state != "done":
            line = f"kept  {entry.planned}: {entry.reason}"
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    kept = len(plan.entries) - len(plan.to_run())
    if kept:
        console.print(f"{kept} of {len(plan.entries)} trials have their record already", highlight=False)
    if console.is_terminal:
        yield from _live(plan, console)
    else:
        yield Lines(plan)


class Lines:
    """Prints a line when a trial ends, and one for each of its notes."""

    def __init__(self, plan: Plan) -> None:
        self.names = {entry.planned.key: str(entry.planned) for entry in plan.entries}
        self.total = len(plan.to_run())
        self.ended = 0
        self.started = time.monotonic()

    def __call__(self, event: Event) -> None:
        """Print the end of a trial or a note."""
        if event.kind == "started":
            self.started = time.monotonic()
        if event.kind == "note":
            print(event.text, file=sys.stderr, flush=True)  # noqa: T201
        if event.kind == "finished":
            self.ended += 1
            seconds = time.monotonic() - self.started
            line = f"[{self.ended}/{self.total}] {self.names[event.key]}: {event.text}, {seconds:.1f} s"
            print(line, file=sys.stderr, flush=True)  # noqa: T201


def _live(plan: Plan, console: Console) -> Iterator[OnEvent]:
    names = {entry.planned.key: str(entry.planned) for entry in plan.entries}
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[note]}", style="dim", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as display:
        grid = display.add_task("trials", total=len(plan.to_run()), note="")
        current = display.add_task("", total=None, note="", visible=False)
        started = time.monotonic()

        def show(event: Event) -> None:
            """Update the display."""
            nonlocal started
            if event.kind == "started":
                started = time.monotonic()
                display.reset(current, description=names[event.key], total=None, visible=True, note="starting")
            elif event.kind in ("phase", "note"):
                display.update(current, note=event.text)
            elif event.kind == "epoch":
                values = "  ".join(f"{name} {value:.3g}" for name, value in list(event.values.items())[:3])
                display.update(current, completed=event.done, total=event.total, note=f"fit  {values}")
            elif event.kind == "finished":
                line = f"{names[event.key]}: {event.text}, {time.monotonic() - started:.1f} s"
                console.print(line, style="" if event.text == "ok" else "red", highlight=False, markup=False)
                display.advance(grid)
                display.update(current, visible=False)

        yield show
