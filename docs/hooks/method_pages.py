"""A page for each method of the registry: its docstring, traits, parameters, and published figures beside ours.

mkdocs calls the two functions at the end; nothing of it is in the wheel.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from hashbench.plugins.hyperparameters import declared
from hashbench.plugins.registry import METHODS
from hashbench.records.results import results
from hashbench.records.store import Record
from hashbench.reporting.published.figures import FigureTable, tables_with
from hashbench.reporting.published.verdict import Verdict, verdicts

MEASURED = "What the tests of the suite have measured stands under [Methods](../methods.md#published-figures)."
PUBLISHED = Path(__file__).parents[2] / "results/published"
_SECTION = re.compile(r"^(Args|Raises|Attributes|Returns):$", re.M)
_ARGUMENT = re.compile(r"^    (?! )([\w, ]+): ", re.M)
_CODE = re.compile(r"(``?[^`]+``?)")


def page(name: str) -> str:
    """The Markdown of a method's page."""
    method = METHODS.get(name)
    about, *sections = _SECTION.split(METHODS.about(name))
    described = dict(zip(sections[::2], sections[1::2], strict=True))
    first, _, rest = about.partition("\n\n")
    return "\n\n".join(
        [
            f"# {name}",
            _prose(" ".join(first.split())),
            f"**Paper:** {_prose(method.traits.paper)}.",
            f"```sh\nhashbench run --methods {name} --bits {_bits(name)}\n```",
            *([_prose(rest.strip())] if rest.strip() else []),
            "## Traits\n\n" + _traits(name),
            "## Parameters\n\n" + (_parameters(name, described.get("Args", "")) or "None but the code length."),
            *([] if not (figures := list(_figures(name))) else ["## Published figures and ours", MEASURED, *figures]),
            f"Source: `methods/{METHODS.file(name).name}`. Other methods: [all of them](../methods.md).\n",
        ]
    )


def _bits(name: str) -> str:
    return "full" if "--bits full" in METHODS.about(name) else "16,32,64"


def _prose(text: str) -> str:
    """A docstring as Markdown: signs of formulas are no markup, a table and an indented formula stay as they are."""
    return "\n".join(line if line.startswith(("    ", "|")) else _escaped(line) for line in text.splitlines())


def _escaped(line: str) -> str:
    parts = _CODE.split(re.sub(r":\w+:(`[^`]+`)", r"\1", line))
    return "".join(
        part.replace("``", "`") if part.startswith("`") else re.sub(r"([*_<>\[\]|])", r"\\\1", part) for part in parts
    )


def _traits(name: str) -> str:
    traits = METHODS.get(name).traits
    rows = {
        "reads": traits.input + (" and the trial's features" if traits.wants_features else ""),
        "sees beside images": "nothing" if traits.information == "images" else traits.information,
        "ranked by": {"hamming": "Hamming distance", "estimator": "distances that it estimates"}[traits.ranking],
        "draws at random": "no: one repetition is enough" if traits.deterministic else "yes",
        "first bits are the shorter code": "yes" if traits.nested else "no",
    }
    presets = {f"`--preset {key}`": _values(values) for key, values in traits.presets.items()}
    return "| | |\n| --- | --- |\n" + "\n".join(f"| {key} | {value} |" for key, value in (rows | presets).items())


def _values(values: Any) -> str:
    return ", ".join(f"`{key}={value}`" for key, value in values.items())


def _parameters(name: str, text: str) -> str:
    """A paragraph for each parameter: what "Args:" says of it is too long for a table's cell."""
    meanings = _meanings(text)
    lines = []
    for parameter in declared(METHODS.get(name)).values():
        meaning = f": {meanings[parameter.name]}" if parameter.name in meanings else ""
        lines.append(
            f"* **`{parameter.name}`** {_type(parameter.type_name())}, default `{parameter.default!r}`{meaning}"
        )
    return "\n".join(lines)


def _type(name: str) -> str:
    """``Literal['a', 'b'] | None`` as "'a', 'b' or None"."""
    return re.sub(r"Literal\[(.+?)\]", r"\1", name).replace(" | ", " or ")


def _meanings(text: str) -> dict[str, str]:
    """What "Args:" says of each parameter; several may share a line."""
    found: dict[str, str] = {}
    names, *rest = _ARGUMENT.split(text)[1:] or [""]
    parts = [names, *rest]
    for listed, meaning in zip(parts[::2], parts[1::2], strict=False):
        for name in listed.split(","):
            found[name.strip()] = _prose(" ".join(meaning.split()))
    return found


def _figures(name: str) -> Iterator[str]:
    """Each table of published figures that has the method, beside the published records of the same run."""
    records = _records()
    for table in tables_with(name):
        rows = verdicts(table, name, records, frozenset())
        yield f"**{table.title}**"
        yield _figure_rows(rows)
        yield _about(table, name)


@cache
def _records() -> list[Record]:
    return [record for folder in sorted(PUBLISHED.glob("*/records")) for record in results(folder.parent).records]


def _figure_rows(rows: list[Verdict]) -> str:
    if all(row.ours is None for row in rows):
        head = "| bits | published |\n| ---: | ---: |\n"
        none = "\n\nThe published records have none of this run."
        return head + "\n".join(f"| {row.bits} | {row.published:.3f} |" for row in rows) + none
    head = "| bits | published | ours | gap | |\n| ---: | ---: | ---: | ---: | --- |\n"
    return head + "\n".join(
        f"| {row.bits} | {row.published:.3f} | {_dash(row.ours, '.3f')} | {_dash(row.gap, '+.3f')} | {row.verdict} |"
        for row in rows
    )


def _dash(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _about(table: FigureTable, name: str) -> str:
    differs = f" Here: {table.differs}." if table.differs else ""
    return _prose(
        f"Source: {table.source}. {table.setting[0].upper()}{table.setting[1:]}.{differs} Metric `{table.metric}` on "
        f"`{table.protocol}`, features `{table.features}`. Reproduced means within {table.tolerance:g}: "
        f"{table.why}. `hashbench reproduce {name}` runs what has no record."
    )


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages below "Methods" in the navigation."""
    for entry in config.nav or []:
        if isinstance(entry, dict) and "Methods" in entry:
            entry["Methods"] += [{name: f"methods/{name}.md"} for name in _shipped()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    for name in _shipped():
        files.append(File.generated(config, f"methods/{name}.md", content=page(name)))
    return files


def _shipped() -> list[str]:
    return [name for name in METHODS.names() if METHODS.is_shipped(name)]
