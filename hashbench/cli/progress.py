"""Progress of a grid: a live display on a terminal, plain lines elsewhere."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column
from rich.text import Text

from hashbench.execution.events import Event, OnEvent
from hashbench.execution.progress import GridProgress, Lines, epoch_text, header, outcome, rates_text
from hashbench.planning.plan import Plan

BAR_WIDTH, NARROW_BAR_WIDTH = 20, 5
NARROW = 60  # columns of a terminal


@contextmanager
def progress(plan: Plan) -> Iterator[OnEvent]:
    """A function that shows the events of the plan's trials on standard error."""
    console = Console(stderr=True)
    for line in header(plan):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if console.is_terminal:
        with Display(plan, console) as display:
            yield display.show
    else:
        yield Lines(plan)


class Display(Progress):
    """Bars of the grid and of the running trials, with count, times and phase, then their names; losses come last.

    Bars, counts and times have room on any terminal; texts are cut.
    """

    def __init__(self, plan: Plan, console: Console) -> None:
        self.trials, self.note = GridProgress(plan), ""
        self.names = {entry.planned.key: str(entry.planned) for entry in plan.entries}
        narrow = console.width < NARROW
        bar = NARROW_BAR_WIDTH if narrow else BAR_WIDTH
        state = TextColumn("{task.fields[state]}", markup=False, table_column=Column(no_wrap=True))
        super().__init__(
            SpinnerColumn("dots" if console.encoding.startswith("utf") else "line"),
            BarColumn(bar_width=bar, table_column=Column(min_width=bar)),
            TextColumn("{task.fields[count]}", markup=False, table_column=Column(no_wrap=True)),
            TimeElapsedColumn(table_column=Column(no_wrap=True, min_width=7)),
            *([] if narrow else [state]),
            _Text(self.trials, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
            console=console,
            transient=True,
            expand=True,
        )
        self.grid = self.add_task("", total=self.trials.total, count=self.trials.count, state="")
        self.running: dict[str, TaskID] = {}

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bars, and a line of its own for the last note or losses."""
        yield self.make_tasks_table(self.tasks)
        yield Text(self.note, style="dim", no_wrap=True, overflow="ellipsis")

    def show(self, event: Event) -> None:
        """Update the display."""
        self.trials(event)
        steps = {
            "started": self._add,
            "phase": self._show_phase,
            "epoch": self._show_epoch,
            "recorded": self._pass_over,
            "finished": self._finish,
        }
        if event.kind in steps:
            steps[event.kind](event)
        elif event.kind == "note":
            self.note = event.text
        elif event.kind == "rates":
            self.note = rates_text(event)
        elif event.kind == "warning":
            self._print(event.text)

    def _add(self, event: Event) -> None:
        if event.key in self.running:  # it runs again, since its node was lost
            self.remove_task(self.running[event.key])
        self.running[event.key] = self.add_task(self.names[event.key], total=None, count="", state="starting")

    def _show_phase(self, event: Event) -> None:
        if event.key in self.running:  # it is measured later, when it has ended
            self.update(self.running[event.key], state=_state(event.text, event.device_bytes))

    def _show_epoch(self, event: Event) -> None:
        self.note = epoch_text(event)
        count, state = f"{event.done:,}/{event.total:,}", _state("fit", event.device_bytes)
        self.update(self.running[event.key], completed=event.done, total=event.total, count=count, state=state)

    def _pass_over(self, event: Event) -> None:
        self._print(f"{self.trials.count} {self.names[event.key]}: {event.text}, made by another run", "dim")
        self._update_grid()

    def _finish(self, event: Event) -> None:
        line = f"{self.trials.count} {self.names[event.key]}: {outcome(event)}, {self.trials.seconds:.1f} s"
        self._print(line, "" if event.text == "ok" else "red")
        self.note = ""
        self._update_grid()
        self.remove_task(self.running.pop(event.key))

    def _print(self, line: str, style: str = "") -> None:
        self.console.print(line, style=style, highlight=False, markup=False, soft_wrap=True)

    def _update_grid(self) -> None:
        failed = f"{self.trials.failed:,} failed" if self.trials.failed else ""
        self.update(self.grid, completed=self.trials.ended, count=self.trials.count, state=failed)


def _state(phase: str, device_bytes: int) -> str:
    """A trial's phase, with the memory of the GPU that it has taken, where it runs on one."""
    return f"{phase} {device_bytes / 2**30:.1f} GiB" if device_bytes else phase


class _Text(ProgressColumn):
    """The trial's name; in the grid's line, which has none, the time left. Cut where the line ends."""

    def __init__(self, trials: GridProgress, table_column: Column) -> None:
        super().__init__(table_column)
        self.trials = trials

    def render(self, task: Task) -> Text:
        """The text."""
        return Text(task.description or self.trials.left(), no_wrap=True, overflow="ellipsis")
