"""The verb ``show``."""

import json
from pathlib import Path
from typing import Any

import click

from hashbench.cli import options


@click.command(
    "show",
    epilog="\b\nExamples:\n  hashbench show bgan\n  hashbench show cifar10\n  hashbench show bgan-ablation\n"
    "  hashbench show 3fa9c1",
)
@click.argument("name", metavar="NAME|RECORD")
@options.results
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(name: str, results: str, as_json: bool) -> int:
    """Show a method, a data set, features, a suite, or a record by its file or by the beginning of its key."""
    from hashbench.data.spec import plugin_name
    from hashbench.features.networks import is_network
    from hashbench.features.spec import summaries
    from hashbench.planning.suite import SUFFIX, suite_names
    from hashbench.plugins.registry import DATASETS, METHODS

    if name in METHODS.names():
        facts = _method(name)
    elif plugin_name(name) in DATASETS.names():
        facts = _dataset(plugin_name(name))
    elif name in summaries() or is_network(name):
        facts = _features(name)
    elif name in suite_names() or Path(name).suffix == SUFFIX:
        facts = _suite(name)
    else:
        facts = _record(name, Path(results))
    if name in suite_names() and "suite" not in facts:  # it may be called like the data set or features it is about
        facts["suite"] = {key: value for key, value in _suite(name).items() if key != "suite"}
    if as_json:
        click.echo(json.dumps(facts, indent=1, default=str))
    else:
        _print(facts)
    return 0


def _method(name: str) -> dict[str, Any]:
    from hashbench.method import HashMethod
    from hashbench.plugins.hyperparameters import declared
    from hashbench.plugins.registry import METHODS

    method = METHODS.get(name)
    traits = method.traits
    return {
        "method": name,
        "origin": METHODS.origin(name),
        "paper": traits.paper,
        "reads": traits.input + (" and features" if traits.wants_features else ""),
        "supervised": traits.supervised,
        "information": traits.information,
        "ranking": traits.ranking,
        "deterministic": traits.deterministic,
        "nested": traits.nested,
        "linear": method.linear is not HashMethod.linear,
        "parameters": {p.name: f"{p.type_name()} = {p.default!r}" for p in declared(method).values()},
        "presets": {preset: dict(values) for preset, values in traits.presets.items()},
        "about": METHODS.about(name),
    }


def _dataset(name: str) -> dict[str, Any]:
    from hashbench.plugins.registry import DATASETS

    dataset = DATASETS.get(name)
    return {
        "data set": name,
        "origin": DATASETS.origin(name),
        "source": dataset.source,
        "features": dataset.features,
        "protocols": {f"{name}/{protocol.name}": protocol.summary for protocol in dataset.protocols},
        "about": DATASETS.about(name),
    }


def _features(name: str) -> dict[str, Any]:
    from dataclasses import asdict

    from hashbench.features.networks import is_network, network
    from hashbench.features.spec import summaries

    facts: dict[str, Any] = {"features": name}
    if name in summaries():
        facts["about"] = summaries()[name]
    if not is_network(name):
        return facts
    net = network(name)
    return {
        **facts,
        "weights": f"--weights {name}=FILE, else the published ones",
        "sizes": f"{net.sizes[0]} to {net.sizes[-1]} pixels, as in {name}@{net.sizes[-1] // 8}",
        "preprocessing": asdict(net.preprocessing),
    }


def _suite(name: str) -> dict[str, Any]:
    from hashbench.planning.suite import open_suite

    suite = open_suite(name)
    runs = [_changed(run) for run in suite.runs]
    shared = {key: value for key, value in runs[0].items() if all(run.get(key) == value for run in runs)}
    own = [{key: value for key, value in run.items() if key not in shared} for run in runs]
    described = {"title": suite.title, "why": suite.why, "needs": suite.needs, "time": suite.time}
    facts = {"suite": suite.name, "origin": str(suite.file), **described, "grid": shared}
    numbered = {str(index): run for index, run in enumerate(own)}  # as messages about the file number them: runs[0]
    return facts if len(runs) == 1 else {**facts, "runs": numbered}


def _changed(run: Any) -> dict[str, Any]:
    """The fields of a grid that differ from the defaults, parameters as "METHOD.PARAMETER"."""
    from dataclasses import fields

    values = {field.name: (getattr(run, field.name), field.default) for field in fields(run)}
    changed = {key: value for key, (value, default) in values.items() if key != "parameters" and value != default}
    return changed | {
        f"{method}.{name}": value for method, settings in run.parameters.items() for name, value in settings.items()
    }


def _record(name: str, folder: Path) -> dict[str, Any]:
    from hashbench.errors import unknown
    from hashbench.features.spec import summaries
    from hashbench.planning.suite import suite_names
    from hashbench.plugins.registry import DATASETS, METHODS
    from hashbench.records.lookup import find_record
    from hashbench.records.store import load_record

    file = find_record(name, folder)
    if file is None:
        kinds = {
            "methods": METHODS.names(),
            "data sets": DATASETS.names(),
            "features": sorted(summaries()),
            "suites": suite_names(),
        }
        listed = "; ".join(f"{kind} {', '.join(names)}" for kind, names in kinds.items())
        known = [each for names in kinds.values() for each in names]
        raise unknown("method, data set, features, suite or record", name, known, listed)
    return load_record(file)


def _print(facts: dict[str, Any], indent: int = 0) -> None:
    pad = " " * indent
    for name, value in facts.items():
        if isinstance(value, dict):
            click.echo(f"{pad}{name}:" + ("" if value else " none"))
            _print(value, indent + 2)
        elif isinstance(value, list) and len(value) > 6:
            click.echo(f"{pad}{name}: {len(value)} values, {value[0]} ... {value[-1]}")
        elif isinstance(value, list | tuple):
            click.echo(f"{pad}{name}: {', '.join(map(str, value))}")
        elif isinstance(value, str) and "\n" in value:
            click.echo(f"{pad}{name}:\n\n" + "\n".join(f"{pad}  {line}" for line in value.splitlines()))
        else:
            click.echo(f"{pad}{name}: {value}")
