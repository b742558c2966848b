"""The verb ``reproduce``."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from hashbench.cli import options

if TYPE_CHECKING:
    from hashbench.execution.settings import Settings
    from hashbench.reporting.published.figures import FigureTable

EXAMPLE = """\b
Examples:
  hashbench reproduce itq --dry-run
  hashbench reproduce itq --repeats 3
"""
DIFFERENT, NOTHING_TO_COMPARE = 1, 3


@click.command("reproduce", epilog=EXAMPLE)
@click.argument("method")
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Repetitions, each with its own seed; more where there are records of more.",
)
@click.option("--dry-run", is_flag=True, help="Run nothing; compare with the records that are there.")
@options.device
@options.offline
@options.weights
@options.data
@options.results
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(method: str, as_json: bool, **given: Any) -> int:
    """Compare a method with the figures that were published of it; trials without a record are run first.

    hashbench list published has all figures. Where data or weights are not here, it says what is missing and how to
    get it. Exits with 1 if a figure is not reproduced, with 3 if there is no record to compare.
    """
    from hashbench.reporting.published.text import table_lines

    tables = _tables(method)
    compared = [_compare(table, method, given) for table in tables]
    if as_json:
        click.echo(json.dumps([_as_json(*each) for each in compared], indent=1))
    else:
        for index, (table, verdicts, advice) in enumerate(compared):
            click.echo("\n".join([*([""] if index else []), *table_lines(table, method, verdicts), *advice]))
    return _exit_code({verdict.verdict for _, verdicts, _ in compared for verdict in verdicts})


def _tables(method: str) -> "tuple[FigureTable, ...]":
    from hashbench.errors import UsageError, unknown
    from hashbench.plugins.registry import METHODS
    from hashbench.reporting.published.figures import published_methods, tables_with

    tables = tables_with(method)
    if method not in METHODS.names():
        if not tables:
            raise unknown("method", method, METHODS.names())
        raise UsageError(
            f"there are published figures of {method!r} (hashbench list published), and no method of that name here; "
            "hashbench new method writes one to start from"
        )
    if not tables:
        known = ", ".join(name for name in published_methods() if name in METHODS.names())
        raise UsageError(f"no published figures of {method!r} are known here; there are some of {known}")
    return tables


def _compare(table: "FigureTable", method: str, given: dict[str, Any]) -> tuple[Any, list[Any], list[str]]:
    """The table, its verdicts, and lines on what is missing."""
    from hashbench.errors import BrokenFiles, StorageError, UsageError
    from hashbench.execution.run import grid_results, make_settings, plan_grids
    from hashbench.features.weights import parse_weights
    from hashbench.planning.reproduction import figure_grid, run_command
    from hashbench.records.results import results_so_far
    from hashbench.reporting.published.verdict import recorded_repetitions, verdicts

    settings = make_settings(
        given["results"],
        given["data"],
        given["device"],
        weights=parse_weights(given["weights"]),
        offline=given["offline"] or given["dry_run"],
    )
    recorded = recorded_repetitions(table, method, results_so_far(settings.results).records)
    grid = figure_grid(table, method, max(given["repeats"], recorded))
    command = f"the run: {run_command(grid)}"
    try:
        plan = plan_grids([grid], settings)
    except (BrokenFiles, StorageError):
        raise
    except UsageError as error:  # data or weights are not here; records of another machine may be
        found = verdicts(table, method, results_so_far(settings.results).records, frozenset())
        return table, found, [f"cannot be run here: {error}", command]
    if plan.to_run() and not given["dry_run"]:
        _run(plan, settings)
    found = verdicts(table, method, grid_results(plan, settings).records, plan.stale_keys())
    complete = all(verdict.ours is not None and not verdict.stale for verdict in found)
    return table, found, [] if complete else [command]


def _run(plan: Any, settings: "Settings") -> None:
    """Run what has no record, as ``hashbench run`` does.

    Raises:
        KeyboardInterrupt: the user stopped it.
    """
    from hashbench.cli.progress import progress
    from hashbench.execution.executors import executor
    from hashbench.execution.run import carry_out

    with progress(plan) as on_event:
        finished = carry_out(plan, settings, executor("local", settings), on_event)
    if not finished:
        raise KeyboardInterrupt


def _as_json(table: "FigureTable", verdicts: list[Any], advice: list[str]) -> dict[str, Any]:
    facts = {name: getattr(table, name) for name in ("title", "source", "setting", "differs")}
    run = {name: getattr(table, name) for name in ("protocol", "features", "metric", "why")}
    rows = [{**asdict(verdict), "gap": verdict.gap, "verdict": verdict.verdict} for verdict in verdicts]
    return {**facts, **run, "figures": rows, "missing": advice}


def _exit_code(words: set[str]) -> int:
    from hashbench.reporting.published.verdict import ABOVE, BELOW, NO_RECORD

    if words == {NO_RECORD}:
        return NOTHING_TO_COMPARE
    return DIFFERENT if words & {ABOVE, BELOW} else 0
