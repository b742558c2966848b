"""The page: one HTML file with its style and figure inside, no script, nothing from elsewhere."""

import base64
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from hashbench.advice.result import Advice
from hashbench.advice.tables import chosen_table, legend, table
from hashbench.advice.text import facts, verdict


def html(advice: Advice, figure: bytes) -> str:
    """The page's text; ``figure`` is a PNG."""
    head, rows = table(advice)
    chosen_head, chosen = chosen_table(advice)
    page: str = _template().render(
        advice=advice,
        verdict=verdict(advice),
        facts=facts(advice),
        figure=base64.b64encode(figure).decode(),
        head=head,
        rows=rows,
        legend=legend(advice),
        chosen_head=chosen_head,
        chosen=[
            {"cells": cells, "best": place == advice.verdict} for cells, place in zip(chosen, advice.pairs, strict=True)
        ],
    )
    return page


@cache
def _template() -> Any:
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    return environment.from_string(files("hashbench.advice").joinpath("page.html.j2").read_text(encoding="utf-8"))
