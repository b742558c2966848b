"""The grids whose trials published figures are compared with, and the command that runs one."""

import shlex

from hashbench.planning.grid import Grid
from hashbench.reporting.published.figures import FigureTable


def figure_grid(table: FigureTable, method: str, repeats: int) -> Grid:
    """The run here that has the setting of a published table, for one of its methods.

    Raises:
        UsageError: ``repeats`` is out of its range.
    """
    return Grid(
        methods=(method,),
        bits=table.bits(method),
        datasets=(table.protocol,),
        features=table.features,
        repeats=repeats,
        relevance="neighbours" if table.neighbours else None,
        metric=table.neighbours or None,
        parameters={name: values for name, values in table.parameters.items() if name == method},
    )


def run_command(grid: Grid) -> str:
    """The grid as a command, without the options that say where data and results lie."""
    words = ["hashbench", "run", "--methods", ",".join(grid.methods), "--bits", ",".join(map(str, grid.bits))]
    words += ["--datasets", ",".join(grid.datasets), "--features", str(grid.features)]
    if grid.relevance is not None:
        words += ["--relevance", grid.relevance, "--metric", str(grid.metric)]
    if grid.repeats > 1:
        words += ["--repeats", str(grid.repeats)]
    for method, values in grid.parameters.items():
        for name, value in values.items():
            words += ["--set", f"{method}.{name}={value}"]
    return shlex.join(words)
