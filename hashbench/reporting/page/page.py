"""Writes sections and their data into one HTML file, with style and script inside."""

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from hashbench.records.results import Results
from hashbench.reporting.leaderboard.table import Table
from hashbench.reporting.metric_names import metric_name
from hashbench.reporting.page.content import Section, page_content
from hashbench.reporting.page.origin import Origins
from hashbench.reporting.plain_text import plain

STYLES = ("page.css", "figures.css")
SCRIPTS = (
    *("dom.js", "state.js", "ranking.js", "table.js", "chart.js", "figures.js", "dialog.js"),
    *("by_features.js", "download.js", "main.js"),
)


def html(tables: Sequence[Table], results: Results, folder: Path | None = None) -> str:
    """The whole page: opens from disk, needs no network, and is the same text for the same records.

    Args:
        tables: what to show.
        results: files of the records, and those that could not be read.
        folder: where the page will be written, for links to the records; None for the result folder.
    """
    sections, data = page_content(tables, Origins(results, folder))
    style, script = _style(), _script()
    page: str = _template().render(
        sections=sections,
        measures=data["measures"],
        both={"labels", "neighbours"} <= {measure["relevance"] for measure in data["measures"]},
        several_features=_several_features(sections),
        metric_name=metric_name,
        datasets=sorted({section.dataset for section in sections}),
        features=sorted({section.features for section in sections}),
        bits=sorted({bits for section in sections for bits in section.columns}),
        records=len({record["key"] for table in tables for record in table.records()}),
        faults=[plain(fault) for fault in (*results.faults, *(fault for table in tables for fault in table.faults))],
        data=Markup(_embedded(data)),  # noqa: S704 - escaped for a script element
        style=Markup(style),  # noqa: S704 - ours
        script=Markup(script),  # noqa: S704 - ours
        policy=f"default-src 'none'; img-src data:; style-src {_source(style)}; script-src {_source(script)}; "
        "base-uri 'none'; form-action 'none'",
    )
    return page


def _several_features(sections: Sequence[Section]) -> bool:
    """Whether two tables differ in their features alone."""
    fixed = [json.dumps(section.content["fixed"]) for section in sections]
    return len(set(fixed)) < len(fixed)


def _embedded(data: Any) -> str:
    """JSON that cannot end the script element around it."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _source(text: str) -> str:
    """An inline style or script as a content security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _read(name: str) -> str:
    return files("hashbench.reporting.page").joinpath(name).read_text(encoding="utf-8")


@cache
def _style() -> str:
    return "\n".join(_read(name) for name in STYLES)


@cache
def _script() -> str:
    """The scripts in one scope of their own."""
    return "(() => {\n'use strict';\n" + "\n".join(_read(name) for name in SCRIPTS) + "\n})();"


@cache
def _template() -> Any:
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    return environment.from_string(_read("page.html.j2"))
