"""The verb ``list``."""

import json
from typing import Any

import click

from hashbench.errors import UsageError

WHAT = ["methods", "datasets", "features", "metrics", "suites", "published"]
UNDESCRIBED = "(its class has no docstring, whose first line would stand here)"


@click.command("list", epilog="\b\nExample:\n  hashbench list methods --json")
@click.argument("what", type=click.Choice(WHAT), default="methods")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(what: str, as_json: bool) -> int:
    """List methods, data sets, features, metrics, suites or published figures, one line each.

    A broken plugin shows its error, one that is not hashbench's own its file.
    """
    rows = {
        "methods": _methods,
        "datasets": _datasets,
        "features": _features,
        "metrics": _metrics,
        "suites": _suites,
        "published": _published,
    }[what]()
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return 0
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        error = row.get("error")
        origin = "" if row.get("shipped", True) else f" [{row['origin']}]"
        sees = f" [sees {row['information']}]" if row.get("information", "images") != "images" else ""
        about = f"BROKEN: {error}" if error else (row["summary"] or UNDESCRIBED) + sees + origin
        click.echo(f"{row['name']:<{width}}  {about}")
    return 0


def _methods() -> list[dict[str, Any]]:
    from hashbench.plugins.registry import METHODS

    rows: list[dict[str, Any]] = []
    for name in METHODS.names():
        try:
            method = METHODS.get(name)
        except UsageError as error:
            rows.append({"name": name, "error": str(error)})
            continue
        rows.append(
            {
                "name": name,
                "summary": METHODS.about(name).partition("\n")[0],
                "paper": method.traits.paper,
                "supervised": method.traits.supervised,
                "information": method.traits.information,
                "ranking": method.traits.ranking,
                "origin": METHODS.origin(name),
                "shipped": METHODS.is_shipped(name),
            }
        )
    return rows


def _datasets() -> list[dict[str, Any]]:
    from hashbench.plugins.registry import DATASETS

    rows: list[dict[str, Any]] = []
    for name in DATASETS.names():
        try:
            dataset = DATASETS.get(name)
        except UsageError as error:
            rows.append({"name": name, "error": str(error)})
            continue
        protocols = [f"{name}/{protocol.name}" for protocol in dataset.protocols] or [f"{name}:FILE"]
        rows.append(
            {
                "name": name,
                "summary": f"{', '.join(protocols)} (features {dataset.features})",
                "protocols": protocols,
                "features": dataset.features,
                "origin": DATASETS.origin(name),
                "shipped": DATASETS.is_shipped(name),
            }
        )
    return rows


def _features() -> list[dict[str, Any]]:
    from hashbench.features.spec import summaries

    return [{"name": name, "summary": summary} for name, summary in summaries().items()]


def _metrics() -> list[dict[str, Any]]:
    from hashbench.evaluation.metrics import declared, declared_neighbours

    return [
        {
            "name": metric.id,
            "summary": metric.formula,
            "direction": metric.direction,
            "range": list(metric.range),
        }
        for metric in (*declared(), *declared_neighbours())
    ]


def _suites() -> list[dict[str, Any]]:
    from hashbench.planning.suite import open_suite, suite_names

    suites = [open_suite(name) for name in suite_names()]
    return [
        {
            "name": suite.name,
            "summary": suite.title + (f" ({suite.requirements()})" if suite.requirements() else ""),
            "needs": suite.needs,
            "time": suite.time,
            "origin": str(suite.file),
        }
        for suite in suites
    ]


def _published() -> list[dict[str, Any]]:
    from hashbench.plugins.registry import METHODS
    from hashbench.reporting.published.figures import figure_tables

    here = METHODS.names()
    return [
        {
            "name": name,
            "summary": _figures(figures, table) + ("" if name in here else " (no method of that name here)"),
            "figures": {int(bits): value for bits, value in figures.items()},
            "metric": table.metric,
            "protocol": table.protocol,
            "features": table.features,
            "title": table.title,
            "source": table.source,
            "here": name in here,
        }
        for table in figure_tables()
        for name, figures in table.rows.items()
    ]


def _figures(figures: dict[str, float], table: Any) -> str:
    numbers = ", ".join(f"{bits} bits {value:.3f}" for bits, value in figures.items())
    return f"{table.metric} on {table.protocol}, {table.features}: {numbers}; {table.title}; {table.source}"
