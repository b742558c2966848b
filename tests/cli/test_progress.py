"""Progress of a grid on a terminal: count, bar and times have room on any, texts are cut."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from rich.console import Console, Group

from hashbench.cli.progress import BAR_WIDTH, NARROW_BAR_WIDTH, Display
from hashbench.execution.events import Event
from hashbench.features.weights import Weights
from hashbench.planning.grid import Grid
from hashbench.planning.plan import Plan, make_plan
from hashbench.records.store import Store

LOSSES = {"neighbourhood_of_the_widest_kind": 0.123, "perceptual_content": 1234.5, "adversarial_of_the_judge": 1e-9}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    grid = Grid(("bgan", "itq"), (16, 32), repeats=2, parameters={"bgan": {"epochs": 7, "activation": "tanh"}})
    return make_plan([grid], Store(tmp_path / "results"), tmp_path, torch.device("cpu"), Weights())


def clock(step: float = 10.0) -> Iterator[float]:
    now = 0.0
    while True:
        now += step
        yield now


def shown(display: Display, console: Console) -> list[str]:
    """The lines of the display as they are."""
    with console.capture() as captured:
        console.print(Group(*display.get_renderables()))
    return [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in captured.get().splitlines()]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_losses_push_out_neither_bar_nor_count_nor_time(plan: Plan, width: int) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=width, legacy_windows=False)
    display = Display(plan, console)
    ticks = clock()
    display.trials.clock = lambda: next(ticks)
    trials = plan.to_run()
    for planned in trials[:3]:
        display.show(Event(planned.key, "started"))
        display.show(Event(planned.key, "finished", "ok"))
    display.show(Event(trials[5].key, "started"))
    display.show(Event(trials[5].key, "epoch", done=1, total=12_345, values=LOSSES))
    grid, current, note = shown(display, console)
    assert f"[3/{len(trials)}]" in grid
    assert re.search(r"\d+ (s|min \d+ s) left$", grid)
    assert "1/12,345" in current
    for line in (grid, current):
        assert len(re.findall("[━╸╺]", line)) == (NARROW_BAR_WIDTH if width < 60 else BAR_WIDTH)
        assert re.search(r"\d:\d\d:\d\d", line)
    assert width < 60 or re.search(r"\d:\d\d:\d\d +fit\b", current)
    assert note.startswith("fit 1 of 12,345, neighbourhood")
    assert max(map(len, (grid, current, note))) <= width


def test_a_trial_that_ends_is_a_line_with_its_count_and_its_reason(plan: Plan) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=60, color_system=None)
    display = Display(plan, console)
    key = plan.to_run()[0].key
    display.show(Event(key, "started"))
    display.show(Event(key, "finished", "failed", reason="ValueError: no (log: results/logs/x.log)"))
    assert isinstance(console.file, io.StringIO)
    line = console.file.getvalue().replace("\n", "")
    assert f"[1/{len(plan.to_run())}] reference-float on digits/holdout-200, pixels: failed: ValueError: no" in line
    assert "(log: results/logs/x.log)" in line


def test_each_running_trial_has_its_phase_and_its_gpu_memory_and_failures_are_counted(plan: Plan) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, legacy_windows=False)
    display = Display(plan, console)
    failed, first, second = (planned.key for planned in plan.to_run()[:3])
    for key in (failed, first, second):
        display.show(Event(key, "started"))
    display.show(Event(failed, "finished", "oom"))
    display.show(Event(first, "phase", "neighbours"))
    display.show(Event(second, "phase", "features", device_bytes=3 << 29))
    display.show(Event(failed, "phase", "throughput"))  # measured, when all trials have ended
    grid, one, two, _ = shown(display, console)
    assert f"[1/{len(plan.to_run())}]" in grid
    assert "1 failed" in grid
    assert re.search(r"neighbours +reference-random", one)
    assert re.search(r"features 1.5 GiB +reference-random", two)
    display.show(Event(second, "epoch", done=2, total=7, device_bytes=5 << 30))
    assert re.search(r"2/7 .* fit 5.0 GiB +reference-random", shown(display, console)[2])
